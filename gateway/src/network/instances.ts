/**
 * Asks the instances of one placement: the nearest with a closed circuit, then others.
 *
 * A query that failed in any way goes on to the next instance. If there is no other, it goes once more to an
 * instance that failed fast: a service that restarts closes its idle connections just as a request leaves on
 * one. While another instance is left to ask, a query gives the present one half of the remaining time.
 *
 * A mutation goes on to another instance only if the first has certainly not acted on it: no connection could
 * be made, or the service refused the mutation before execution. Otherwise its outcome is unknown, and it is
 * never repeated.
 */
import { type Reader, type SubgraphResponse, TransportError } from "@teranga/kit/http/transport.ts";
import { isForLackOfRoom } from "../ground/answer-room.ts";
import type { Endpoint } from "./endpoint.ts";

/**
 * A service that fails three times within one request will hardly succeed the fourth time, and has others to
 * answer.
 */
const ATTEMPTS_MAX = 3;
/** An instance that took longer to fail was busy or away, and would be again. */
const FAST_MS = 100;

/** A request and its terms. */
export interface Question {
  query: string;
  operationName?: string | undefined;
  variables?: Record<string, unknown> | undefined;
  /** The request as JSON. */
  body: string;
  headers: Record<string, string>;
  mayRepeat: boolean;
  deadlineAtMs: number;
}

export interface AskingMeans {
  nowMs: () => number;
  /** Takes room for what is read. */
  reader: Reader | undefined;
}

/** The outcome. `attempts` is 0 if nothing was sent. */
export type Asked =
  | { kind: "answered"; answer: SubgraphResponse; attempts: number }
  | { kind: "failed"; error: TransportError; attempts: number };

/**
 * Created once: every request asks a placement that is down, and a stack trace for each would cost more than
 * all the rest.
 */
const NOBODY_ANSWERS = new TransportError("refused", "no instance answers at the moment", {
  fault: "no-connection",
});
const NO_TIME_LEFT = new TransportError("refused", "the time of the request was over before", {
  fault: "timeout",
});

/** The failure that is certain without sending anything; null if a request must be sent. */
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

/** Asks one instance after the other until one answers. Never rejects for what happens at the instances. */
export async function askInstances(
  endpoints: readonly Endpoint[],
  question: Question,
  { nowMs, reader }: AskingMeans,
): Promise<Asked> {
  const { mayRepeat, headers, deadlineAtMs } = question;
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
      const answer = await endpoint.send(question, { deadlineMs, headers, reader });
      return { kind: "answered", answer, attempts: attempts + 1 };
    } catch (failure) {
      if (!(failure instanceof TransportError)) throw failure;
      error = failure;
      const isFinal = isForLackOfRoom(error) || (!mayRepeat && error.effect === "unknown");
      if (isFinal) return { kind: "failed", error, attempts: attempts + 1 };
      if (mayRepeat && untried.length > 0 && nowMs() - startMs < FAST_MS) failedFast ??= endpoint;
    }
  }
  return { kind: "failed", error, attempts: ATTEMPTS_MAX };
}

function isClosed({ state }: Endpoint): boolean {
  return state === "closed";
}
