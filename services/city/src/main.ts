/** Runs one city's service; docs/configuration.md lists its variables. */

import { readDoor } from "@teranga/kit/http/door-config.ts";
import { readConfig, runMain } from "@teranga/kit/process/config.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import { createProcessRegistry } from "@teranga/kit/process/metrics.ts";
import { systemClock } from "@teranga/kit/process/retry.ts";
import { closeAll, closeOnSignal } from "@teranga/kit/process/shutdown.ts";
import { startTracing } from "@teranga/kit/process/start-tracing.ts";
import { loadTopology } from "@teranga/kit/topology/topology.ts";
import { followTopology } from "@teranga/kit/topology/topology-following.ts";
import { createTopologyStanding } from "@teranga/kit/topology/topology-standing.ts";
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
  const log = createLogger(`city-${config.CITY}`, config.LOG_LEVEL);
  const tracing = await startTracing(`city-${config.CITY}`, config);
  const topology = await loadTopology(config.TOPOLOGY);
  const registry = createProcessRegistry();
  const standing = createTopologyStanding(registry);
  const providers = company ? [createHttpProvider({ ...company, clock: systemClock })] : [];
  const service = await startCity({
    cityId: config.CITY,
    databaseUrl: config.DATABASE_URL,
    topology,
    credential: config.SERVICE_CREDENTIAL,
    port: config.PORT,
    door: readDoor(config, process.env.NODE_ENV),
    horizonMs: config.HORIZON_DAYS * DAY_MS,
    log,
    registry,
    standing,
    paymentProviders: providers,
  });
  const following = followTopology({
    file: config.TOPOLOGY,
    topology,
    onChange: service.setTopology,
    role: "owns",
    keepsRule: service.keepsRule,
    credential: config.SERVICE_CREDENTIAL,
    standing,
    log,
  });
  const steps = [
    ...following,
    { name: "the service", close: service.close },
    ...providers.map(({ close }) => ({ name: "the payment provider's connections", close })),
    { name: "the spans", close: tracing.stop },
  ];
  closeOnSignal(() => closeAll(steps), log);
  log.info({ url: service.url }, "ready");
});
