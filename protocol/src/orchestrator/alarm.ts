/** The orchestrator's alarm. */
import type { Logger } from "@teranga/kit/process/log.ts";

/** A city answered that a message contradicts what it has recorded. A person must look. */
export function alarm(log: Logger, transactionId: string, cityId: string, message: string): void {
  log.fatal(
    { alarm: "PROTOCOL_VIOLATION", transactionId, city: cityId },
    `the answer to ${message} is VIOLATION`,
  );
}
