/**
 * Runs a simulated mobile-money company for local use. No real money moves. Every
 * telephone number is a subscriber.
 */

import { listen } from "@teranga/kit/http/listen.ts";
import { readConfig, runMain, StartupError } from "@teranga/kit/process/config.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import { systemClock } from "@teranga/kit/process/retry.ts";
import { closeAll, closeOnSignal } from "@teranga/kit/process/shutdown.ts";
import { Books } from "./books.ts";
import { mobileMoneyVariables } from "./config.ts";
import { createCompany } from "./service.ts";

const usage = {
  command: "node services/mobile-money/src/main.ts",
  about: "Runs a simulated mobile-money company. No real money moves.",
  variables: mobileMoneyVariables,
};

await runMain(usage, async () => {
  const config = readConfig(mobileMoneyVariables, process.env);
  const log = createLogger("mobile-money", config.LOG_LEVEL);
  const books = openBooks(config.JOURNAL, config.OPENING_BALANCE);
  const secret = config.PAYMENT_PROVIDER_SECRET;
  const app = createCompany({ books, secret, clock: systemClock, log });
  const close = async () => {
    await app.close();
    books.close();
  };
  const { port } = await listen(app, config.PORT, close);
  closeOnSignal(() => closeAll([{ name: "the company", close }]), log);
  log.info({ url: `http://127.0.0.1:${port}` }, "ready");
});

function openBooks(journal: string, openingBalance: number): Books {
  try {
    return new Books({ journal, openingBalance });
  } catch (error) {
    throw new StartupError(`JOURNAL: ${journal} cannot be read and written (${(error as Error).message})`);
  }
}
