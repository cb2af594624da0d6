/**
 * Counts requests that are refused before they become GraphQL requests. No other metric
 * shows clients that do not get in.
 */
import { Counter } from "prom-client";
import type { Registry } from "../process/metrics.ts";

/**
 * - `connections`: the server has its maximum of connections.
 * - `overloaded`: the server has its maximum of requests; `pipelined`: the connection has.
 * - `slow-request`: a head or a body did not arrive in time.
 * - `unread-answer`: a client did not take its answer in time, or too many bytes waited for clients.
 * - `too-large`: the body or the headers.
 * - `bad-request`: any other fault of the HTTP request.
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
