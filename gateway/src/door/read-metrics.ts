/** Counts from where services' answers were read, and the session tokens that were of no use. */
import type { Registry } from "@teranga/kit/process/metrics.ts";
import type { PrimaryReason } from "@teranga/kit/reads/choose-replica.ts";
import { Counter } from "prom-client";
import type { FetchRecord } from "../network/fetch-record.ts";
import type { TokenFault } from "../session/session.ts";

/** Why no replica was asked, as services and the network say (docs/reads.md). Others are counted as one. */
const REASONS: ReadonlySet<string> = new Set(
  Object.keys({
    "no-replica": true,
    "not-allowed": true,
    write: true,
    behind: true,
    stale: true,
    unreachable: true,
    "other-timeline": true,
    untold: true,
    untracked: true,
  } satisfies Record<PrimaryReason | "untold" | "untracked", true>),
);

export interface ReadCounter {
  /** Counts a question that a service answered. */
  fetched(fetch: FetchRecord): void;
  /** Counts questions that were answered by what is kept. */
  kept(subgraph: string, count: number): void;
}

export function createReadCounter(registry: Registry): ReadCounter {
  const reads = new Counter({
    name: "teranga_gateway_reads_total",
    help: "Questions that were answered, by subgraph and by where the answer was read: cache, replica or primary, with the reason why at the primary.",
    labelNames: ["subgraph", "source", "reason"],
    registers: [registry],
  });
  return {
    fetched({ subgraph, readFrom }) {
      if (readFrom === undefined) return;
      const [source, said = ""] = readFrom.split(" ", 2);
      if (source === "replica") reads.inc({ subgraph, source, reason: "" });
      else reads.inc({ subgraph, source: "primary", reason: REASONS.has(said) ? said : "other" });
    },
    kept: (subgraph, count) => reads.inc({ subgraph, source: "cache", reason: "" }, count),
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
