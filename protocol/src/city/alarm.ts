/** The alarm: one log line of the highest level, and a count. */
import type { Logger } from "@teranga/kit/process/log.ts";
import type { ProtocolMetrics } from "./means.ts";

/** A broken protocol: it must never happen, nothing was changed, and a person must look. */
export function alarm(
  { log, metrics }: { log: Logger; metrics: Pick<ProtocolMetrics, "alarmed"> },
  transactionId: string,
  what: string,
): void {
  metrics.alarmed();
  log.fatal({ alarm: "PROTOCOL_VIOLATION", transactionId }, what);
}
