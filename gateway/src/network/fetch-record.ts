/** What is known of one fetch once it is over: for logs, metrics, spans and explanations. */
import type { SubgraphResponse } from "@teranga/kit/http/transport.ts";
import { type Asked, isBrokenCircuit } from "@teranga/kit/instances/ask-instances.ts";
import { ATTRIBUTE } from "@teranga/kit/process/tracing.ts";
import type { ReadAfter } from "../session/read-after.ts";
import type { SharedAsked } from "./shared-requests.ts";

/** One question to a placement and its outcome. */
export interface FetchRecord {
  subgraph: string;
  partition?: string;
  /**
   * `refused`: certainly not acted on. `unknown`: perhaps acted on. `broken-circuit`: no instance was asked,
   * because none answers at the moment.
   */
  outcome: "answered" | "refused" | "unknown" | "broken-circuit";
  durationMs: number;
  /** The requests that were sent for it; 0 if another question's request answered it. */
  attempts: number;
  /** Whether it waited for another question's request. */
  shared: boolean;
  /**
   * Where the answer was read: `replica NAME`, or `primary REASON`. `primary untracked`: the place has no
   * other answers. Undefined if there is no answer.
   */
  readFrom?: string | undefined;
}

/** A replica's name has up to 63 characters. */
const READ_FROM_LENGTH_MAX = 100;

export function recordOf(
  { subgraph, partition }: Pick<FetchRecord, "subgraph" | "partition">,
  { asked, isJoined }: SharedAsked,
  { durationMs, after }: { durationMs: number; after: ReadAfter | undefined },
): FetchRecord {
  return {
    subgraph,
    ...(partition !== undefined && { partition }),
    outcome: outcomeOf(asked),
    durationMs,
    attempts: isJoined ? 0 : asked.attempts,
    shared: isJoined,
    ...(asked.kind === "answered" && { readFrom: readFromOf(asked.answer, after) }),
  };
}

function readFromOf({ notes }: SubgraphResponse, after: ReadAfter | undefined): string {
  return notes?.readFrom?.slice(0, READ_FROM_LENGTH_MAX) ?? (after ? "primary untold" : "primary untracked");
}

export function attributesOf({ subgraph, partition, outcome, attempts, shared }: FetchRecord) {
  return {
    [ATTRIBUTE.subgraph]: subgraph,
    // Under the subgraph's name, as in errors.
    ...(partition !== undefined && { [`teranga.${subgraph}`]: partition }),
    [ATTRIBUTE.result]: outcome,
    [ATTRIBUTE.attempts]: attempts,
    [ATTRIBUTE.shared]: shared,
  };
}

function outcomeOf(asked: Asked): FetchRecord["outcome"] {
  if (asked.kind === "answered") return "answered";
  return isBrokenCircuit(asked) ? "broken-circuit" : asked.error.effect;
}
