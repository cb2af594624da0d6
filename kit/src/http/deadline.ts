/**
 * How long a request may still take, from process to process.
 *
 * The header holds the milliseconds that are left rather than a time, so that clocks need not agree; the way itself, below a
 * millisecond within a site, is not subtracted. A service keeps it while it serves the request (AsyncLocalStorage), and bounds by
 * it what it waits for: its SQL (database.ts) and what it asks others. Work that belongs to no request, such as recovery, is not
 * bounded.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { FastifyInstance } from "fastify";
import type { GraphQLError } from "graphql";
import { codedError, ERROR_CODES } from "../graphql/errors.ts";

/** Milliseconds that are left, a whole number. With every request from one process of ours to another. */
export const DEADLINE_HEADER = "x-deadline-ms";

/** Nobody waits as long as this; a larger number is a mistake of whoever sends it. */
const DEADLINE_MAX_MS = 60_000;

/** Of the request that is being served. */
const current = new AsyncLocalStorage<{ deadlineAtMs: number }>();

/** What a header says; undefined if it is none, or no whole number. */
export function readDeadlineMs(header: string | string[] | undefined): number | undefined {
  if (typeof header !== "string" || !/^\d{1,9}$/.test(header)) return undefined;
  return Math.min(Number(header), DEADLINE_MAX_MS);
}

/** Runs something that has so much time: all that it begins knows. */
export function withDeadline<Result>(deadlineMs: number, run: () => Result): Result {
  return current.run({ deadlineAtMs: performance.now() + deadlineMs }, run);
}

/** When the request that is being served must have ended, on the clock of `performance.now()`; undefined if nothing says so. */
export function currentDeadlineAtMs(): number | undefined {
  return current.getStore()?.deadlineAtMs;
}

/** A limit of one's own, or what is left of the request that is being served if that is less. At least 1. */
export function withinDeadlineMs(limitMs: number): number {
  const deadlineAtMs = currentDeadlineAtMs() ?? Number.POSITIVE_INFINITY;
  return Math.max(1, Math.min(limitMs, deadlineAtMs - performance.now()));
}

export function deadlineExceeded(): GraphQLError {
  return codedError("DEADLINE_EXCEEDED", ERROR_CODES.DEADLINE_EXCEEDED);
}

/** Serves requests within what their callers have left, and does not begin what has come too late. */
export function keepDeadlines(app: FastifyInstance): void {
  // Not earlier: while a body is read, the context is the connection's.
  app.addHook("preHandler", (request, reply, done) => {
    const deadlineMs = readDeadlineMs(request.headers[DEADLINE_HEADER]);
    if (deadlineMs === undefined) done();
    else if (deadlineMs > 0) withDeadline(deadlineMs, done);
    // 408: an answer of ours that says no, where 5xx would say that this service is broken.
    else void reply.code(408).send({ errors: [deadlineExceeded().toJSON()] });
  });
}
