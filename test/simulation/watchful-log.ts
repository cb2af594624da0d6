/** A log that keeps nothing but what must never be said. */
import { createLogger, type Logger } from "@teranga/kit/process/log.ts";

/** @param onAlarm called for each line of level fatal: the protocol was broken */
export function createWatchfulLog(onAlarm: (what: string) => void): Logger {
  const write = (line: string) => {
    // The line's time is the machine's, which no history may depend on.
    const { msg, transactionId } = JSON.parse(line) as { msg: string; transactionId: string };
    onAlarm(`${transactionId}: ${msg}`);
  };
  return createLogger("simulation", "fatal", { write });
}
