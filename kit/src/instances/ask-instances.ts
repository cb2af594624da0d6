/**
 * Asks the instances of a service, or of one partition: the nearest with a closed circuit, then others.
 *
 * A request that may be repeated goes on to the next instance, whatever happened at the first. While another
 * instance is left to ask, the present one gets one half of the remaining time. A query without another
 * instance goes once more to one that failed fast: a service that restarts closes its idle connections just
 * as a request leaves on one.
 *
 * A mutation goes on to another instance only if the first has certainly not acted on it: no connection could
 * be made, or the service refused the mutation before execution. Otherwise its outcome is unknown, and it is
 * never repeated.
 */
import {
  type Reader,
  type SubgraphRequest,
  type SubgraphResponse,
  TransportError,
} from "../http/transport.ts";
import type { Endpoint } from "./endpoint.ts";

/**
 * A service that fails three times within one request will hardly succeed the fourth time, and has others to
 * answer.
 */
const ATTEMPTS_MAX = 3;
/** An instance that took longer to fail was busy or away, and would be again. */
const FAST_MS = 100;

/**
 * Where a request may go that an instance may have acted on. `elsewhere` is for idempotent messages: a sender
 * that gets no answer learns by other means what has become of the message.
 */
export type Repeat = "never" | "elsewhere" | "anywhere";

export interface AskingTerms<Answer> {
  repeat: Repeat;
  headers: Record<string, string>;
  /** All attempts together must keep it. */
  deadlineAtMs: number;
  nowMs: () => number;
  /** Takes room for what is read. */
  reader?: Reader | undefined;
  /**
   * Reads an answer.
   * @throws TransportError if it is of no use; then the next instance is asked
   */
  read: (answer: SubgraphResponse) => Answer;
}

/** The outcome. `attempts` is 0 if nothing was sent. */
export type Asked<Answer = SubgraphResponse> =
  | { kind: "answered"; answer: Answer; attempts: number }
  | Failed;

/** `error` is the last of the failures; the others may say more about the request's effect. */
export interface Failed {
  kind: "failed";
  error: TransportError;
  failures: readonly TransportError[];
  attempts: number;
}

/**
 * Created once: every request asks instances that are down, and a stack trace for each would cost more than
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
): Failed | null {
  if (!endpoints.some(isClosed)) return failed([NOBODY_ANSWERS], 0);
  if (deadlineAtMs - nowMs < 1) return failed([NO_TIME_LEFT], 0);
  return null;
}

/** Whether nothing was sent because no circuit was closed. */
export function isBrokenCircuit({ error }: Failed): boolean {
  return error === NOBODY_ANSWERS;
}

function failed(failures: readonly TransportError[], attempts: number): Failed {
  return { kind: "failed", error: failures.at(-1)!, failures, attempts };
}

/** Asks one instance after the other until one answers. Never rejects for what happens at the instances. */
export async function askInstances<Answer>(
  endpoints: readonly Endpoint[],
  request: SubgraphRequest,
  terms: AskingTerms<Answer>,
): Promise<Asked<Answer>> {
  const { repeat, headers, deadlineAtMs, nowMs, reader, read } = terms;
  const tried: Endpoint[] = [];
  const failures: TransportError[] = [];
  let failedFast: Endpoint | undefined;
  for (let attempts = 0; attempts < ATTEMPTS_MAX; attempts++) {
    const startMs = nowMs();
    const leftMs = deadlineAtMs - startMs;
    if (leftMs < 1) return failed(attempts === 0 ? [NO_TIME_LEFT] : failures, attempts);
    const untried = endpoints.filter((endpoint) => isClosed(endpoint) && !tried.includes(endpoint));
    const endpoint = untried[0] ?? (failedFast && isClosed(failedFast) ? failedFast : undefined);
    if (!endpoint) return failed(attempts === 0 ? [NOBODY_ANSWERS] : failures, attempts);
    if (untried.length === 0) failedFast = undefined;
    const hasOthers = repeat !== "never" && untried.length > 1;
    const deadlineMs = hasOthers ? leftMs / 2 : leftMs;
    tried.push(endpoint);
    try {
      const answer = read(await endpoint.send(request, { deadlineMs, headers, reader }, hasOthers));
      return { kind: "answered", answer, attempts: attempts + 1 };
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      failures.push(error);
      const isFinal = error.fault === "no-room" || (repeat === "never" && error.effect === "unknown");
      if (isFinal) return failed(failures, attempts + 1);
      if (repeat === "anywhere" && untried.length > 0 && nowMs() - startMs < FAST_MS) failedFast ??= endpoint;
    }
  }
  return failed(failures, ATTEMPTS_MAX);
}

function isClosed({ state }: Endpoint): boolean {
  return state === "closed";
}
