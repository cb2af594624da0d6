/** Counts from where services' answers were read, and the session tokens that were of no use. */
import type { Registry } from "@teranga/kit/process/metrics.ts";
import { Counter } from "prom-client";
import type { FetchRecord } from "../network/network.ts";
import type { TokenFault } from "../session/session.ts";

/** Why no replica was asked, as services say (docs/reads.md). Other words are counted as one. */
const REASONS = new Set([
  "no-replica",
  "not-allowed",
  "write",
  "behind",
  "stale",
  "unreachable",
  "other-timeline",
  "untold",
  "untracked",
]);

export function createReadCounter(registry: Registry): (fetch: FetchRecord) => void {
  const reads = new Counter({
    name: "teranga_gateway_reads_total",
    help: "Questions that were answered, by subgraph and by where the answer was read: cache, replica or primary, with the reason why at the primary.",
    labelNames: ["subgraph", "source", "reason"],
    registers: [registry],
  });
  return ({ subgraph, readFrom }) => {
    if (readFrom === undefined) return;
    const [source, said = ""] = readFrom.split(" ", 2);
    if (source === "cache" || source === "replica") reads.inc({ subgraph, source, reason: "" });
    else reads.inc({ subgraph, source: "primary", reason: REASONS.has(said) ? said : "other" });
  };
}

export function createTokenCounter(registry: Registry): (fault: TokenFault) => void {
  const refused = new Counter({
    name: "teranga_gateway_session_tokens_refused_total",
    help: "Clients' session tokens that were of no use: forged (not made by this cluster), many (over 64 with one request), future (of a database that was set back).",
    labelNames: ["reason"],
    registers: [registry],
  });
  return (reason) => refused.inc({ reason });
}
