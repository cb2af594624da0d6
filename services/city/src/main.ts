/** Runs one city's service; docs/configuration.md lists its variables. */
import { readConfig, runMain } from "@teranga/kit/process/config.ts";
import { systemClock } from "@teranga/kit/process/retry.ts";
import { runService } from "@teranga/kit/process/run-service.ts";
import { closeAll } from "@teranga/kit/process/shutdown.ts";
import { cityVariables, readPaymentProvider } from "./config.ts";
import { createHttpProvider } from "./payments/http-provider.ts";
import { startCity } from "./service.ts";

const DAY_MS = 86_400_000;

const usage = {
  command: "node services/city/src/main.ts",
  about: "Runs the service of one city.",
  variables: cityVariables,
};

await runMain(usage, async () => {
  const config = readConfig(cityVariables, process.env);
  const company = readPaymentProvider(config);
  const providers = company ? [createHttpProvider({ ...company, clock: systemClock })] : [];
  await runService(`city-${config.CITY}`, config, async (options) => {
    const service = await startCity({
      ...options,
      cityId: config.CITY,
      databaseUrl: config.DATABASE_URL,
      stalenessMs: config.READ_STALENESS_MS,
      horizonMs: config.HORIZON_DAYS * DAY_MS,
      paymentProviders: providers,
    });
    const steps = [
      { name: "the city", close: service.close },
      ...providers.map(({ close }) => ({ name: "the payment provider's connections", close })),
    ];
    return { ...service, close: () => closeAll(steps) };
  });
});
