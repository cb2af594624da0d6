/**
 * The time that a request has left, passed from process to process.
 *
 * The header holds the milliseconds left instead of a time, so clocks need not agree. The time on the way,
 * below a millisecond within a site, is not subtracted. A service keeps the deadline while it serves the
 * request (AsyncLocalStorage). The deadline limits the service's SQL (database.ts) and its requests to other
 * services. Work that belongs to no request, such as recovery, has no such limit.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { FastifyInstance } from "fastify";
import type { GraphQLError } from "graphql";
import { codedError, ERROR_CODES } from "../graphql/errors.ts";

/** The milliseconds left, a whole number. Every request between our own processes carries it. */
export const DEADLINE_HEADER = "x-deadline-ms";

/** No caller waits as long as this. A larger number is a mistake of the caller. */
const DEADLINE_MAX_MS = 60_000;

/** The deadline of the request that is being served. */
const current = new AsyncLocalStorage<{ deadlineAtMs: number } | undefined>();

/** The value of the header; undefined if it is absent or not a whole number. */
export function readDeadlineMs(header: string | string[] | undefined): number | undefined {
  if (typeof header !== "string" || !/^\d{1,9}$/.test(header)) return undefined;
  return Math.min(Number(header), DEADLINE_MAX_MS);
}

/** Runs a function with a deadline. All work that it begins can read the deadline. */
export function withDeadline<Result>(deadlineMs: number, run: () => Result): Result {
  return current.run({ deadlineAtMs: performance.now() + deadlineMs }, run);
}

/** Runs a function without a deadline: what several requests share must not end with one of them. */
export function withoutDeadline<Result>(run: () => Result): Result {
  return current.run(undefined, run);
}

/** The deadline of the current request, on the clock of `performance.now()`; undefined if it has none. */
export function currentDeadlineAtMs(): number | undefined {
  return current.getStore()?.deadlineAtMs;
}

/** The given limit, or the time that the current request has left if that is less. At least 1 ms. */
export function withinDeadlineMs(limitMs: number): number {
  const deadlineAtMs = currentDeadlineAtMs() ?? Number.POSITIVE_INFINITY;
  return Math.max(1, Math.min(limitMs, deadlineAtMs - performance.now()));
}

export function deadlineExceeded(): GraphQLError {
  return codedError("DEADLINE_EXCEEDED", ERROR_CODES.DEADLINE_EXCEEDED);
}

/** Serves requests within their callers' deadlines. A request that comes too late is not begun. */
export function keepDeadlines(app: FastifyInstance): void {
  // Not in an earlier hook: while a body is read, the context is the connection's.
  app.addHook("preHandler", (request, reply, done) => {
    const deadlineMs = readDeadlineMs(request.headers[DEADLINE_HEADER]);
    if (deadlineMs === undefined) done();
    else if (deadlineMs > 0) withDeadline(deadlineMs, done);
    // 408, because we refuse the request. A 5xx would say that this service is broken.
    else void reply.code(408).send({ errors: [deadlineExceeded().toJSON()] });
  });
}
