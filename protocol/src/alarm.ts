/** The alarm: one log line of the highest level, and a count. */
import type { Logger } from "@teranga/kit/process/log.ts";

/**
 * Reports a breach of the protocol, seen here or told by another city. It must never happen. Nothing was
 * changed, and a person must look.
 * @param means without metrics if the caller counts the answer elsewhere
 */
export function alarm(
  { log, metrics }: { log: Logger; metrics?: { alarmed(): void } },
  about: { transactionId: string; city?: string },
  what: string,
): void {
  metrics?.alarmed();
  log.fatal({ alarm: "PROTOCOL_VIOLATION", ...about }, what);
}
