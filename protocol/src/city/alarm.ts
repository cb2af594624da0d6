/** The alarm: one log line of the highest level, and a count. */
import type { Logger } from "@teranga/kit/process/log.ts";
import type { ProtocolMetrics } from "./means.ts";

/** Reports a breach of the protocol. It must never happen. Nothing was changed, and a person must look. */
export function alarm(
  { log, metrics }: { log: Logger; metrics: Pick<ProtocolMetrics, "alarmed"> },
  transactionId: string,
  what: string,
): void {
  metrics.alarmed();
  log.fatal({ alarm: "PROTOCOL_VIOLATION", transactionId }, what);
}
