/**
 * Counts what is refused before it is a request of GraphQL's: nothing else shows that clients stand before
 * the door.
 */
import { Counter } from "prom-client";
import type { Registry } from "../process/metrics.ts";

/**
 * - `connections`: there are as many as there may be.
 * - `overloaded`: so are the requests; `pipelined`: those of one connection.
 * - `slow-request`: a head or a body did not come in time; `unread-answer`: a client did not take its answer,
 *   or held too much.
 * - `too-large`: a body, or the headers.
 * - `bad-request`: whatever else is wrong with the HTTP.
 */
export type RefusalReason =
  | "connections"
  | "overloaded"
  | "pipelined"
  | "slow-request"
  | "unread-answer"
  | "too-large"
  | "bad-request";

export type OnRefused = (reason: RefusalReason) => void;

export function countRefusals(registry: Registry): OnRefused {
  const refusals = new Counter({
    name: "teranga_door_refusals_total",
    help: "Connections and requests that were refused before they became GraphQL's, and answers given up, by reason.",
    labelNames: ["reason"],
    registers: [registry],
  });
  return (reason) => refusals.inc({ reason });
}
