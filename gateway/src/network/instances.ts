/**
 * Asking the instances that can answer for one placement: the nearest whose circuit is closed, then others.
 *
 * A query goes on to the next instance whatever has happened, and once more to one that failed fast if there is no other: a service
 * that restarts closes its idle connections just as a request leaves on one. While there is another instance to go
 * to, a query gives the one that it asks half of the time that is left.
 *
 * A mutation goes on only if the instance has certainly not acted on it, because no connection could be made or the service refused
 * it before execution, and then to another instance. Otherwise nobody knows whether it has happened, and it is never repeated.
 */
import { type SubgraphResponse, TransportError } from "@teranga/kit/http/transport.ts";
import type { Holding } from "../ground/answer-room.ts";
import type { Endpoint } from "./endpoint.ts";

/** A service that fails three times within one request will hardly do better the fourth time, and it has others to answer. */
const ATTEMPTS_MAX = 3;
/** What failed later than this was busy or away, and would be again. */
const FAST_MS = 100;

/** What is asked, and on which terms. */
export interface Question {
  query: string;
  operationName?: string | undefined;
  variables?: Record<string, unknown> | undefined;
  /** The request as JSON. */
  body: string;
  headers: Record<string, string>;
  mayRepeat: boolean;
  deadlineAtMs: number;
  /** Takes room for what is read. */
  holding?: Holding | undefined;
}

/** What has come of it. `attempts` is 0 if nothing was sent. */
export type Asked =
  | { kind: "answered"; answer: SubgraphResponse; attempts: number }
  | { kind: "failed"; error: TransportError; attempts: number };

/** Made once: a placement that is down is asked by every request, and a stack trace for each would cost more than all the rest. */
const NOBODY_ANSWERS = new TransportError("refused", "no instance answers at the moment", {
  fault: "no-connection",
});
const NO_TIME_LEFT = new TransportError("refused", "the time of the request was over before", {
  fault: "timeout",
});

/** What is said without sending anything, if that is all there is to say. */
export function refusedAtOnce(
  endpoints: readonly Endpoint[],
  deadlineAtMs: number,
  nowMs: number,
): Asked | null {
  if (!endpoints.some(isClosed)) return { kind: "failed", error: NOBODY_ANSWERS, attempts: 0 };
  if (deadlineAtMs - nowMs < 1) return { kind: "failed", error: NO_TIME_LEFT, attempts: 0 };
  return null;
}

/** Whether nothing was sent because no circuit was closed. */
export function isBrokenCircuit(asked: Asked): boolean {
  return asked.kind === "failed" && asked.error === NOBODY_ANSWERS;
}

/** Asks in turn until one answers. Never rejects for what happens there. */
export async function askInstances(
  endpoints: readonly Endpoint[],
  question: Question,
  nowMs: () => number,
): Promise<Asked> {
  const { mayRepeat, headers, deadlineAtMs, holding } = question;
  const tried: Endpoint[] = [];
  let failedFast: Endpoint | undefined;
  let error = NOBODY_ANSWERS;
  for (let attempts = 0; attempts < ATTEMPTS_MAX; attempts++) {
    const startMs = nowMs();
    const leftMs = deadlineAtMs - startMs;
    if (leftMs < 1) {
      return { kind: "failed", error: attempts === 0 ? NO_TIME_LEFT : error, attempts };
    }
    const untried = endpoints.filter((endpoint) => isClosed(endpoint) && !tried.includes(endpoint));
    const endpoint = untried[0] ?? (failedFast && isClosed(failedFast) ? failedFast : undefined);
    if (!endpoint) return { kind: "failed", error, attempts };
    if (untried.length === 0) failedFast = undefined;
    const deadlineMs = mayRepeat && untried.length > 1 ? leftMs / 2 : leftMs;
    tried.push(endpoint);
    try {
      const answer = await endpoint.send(question, { deadlineMs, headers, reader: holding });
      return { kind: "answered", answer, attempts: attempts + 1 };
    } catch (failure) {
      if (!(failure instanceof TransportError)) throw failure;
      error = failure;
      const isFinal = holding?.isRefused || (!mayRepeat && error.effect === "unknown");
      if (isFinal) return { kind: "failed", error, attempts: attempts + 1 };
      if (mayRepeat && untried.length > 0 && nowMs() - startMs < FAST_MS) failedFast ??= endpoint;
    }
  }
  return { kind: "failed", error, attempts: ATTEMPTS_MAX };
}

function isClosed({ state }: Endpoint): boolean {
  return state === "closed";
}
