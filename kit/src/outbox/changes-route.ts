/**
 * `GET /changes?epoch=E&number=N`: what has changed since change N of an epoch. A caller that is up to date
 * is held until there is something new, at most 250 ms: its answer is also its proof that nothing is.
 */
import type { FastifyInstance, FastifyReply } from "fastify";
import { z } from "zod";
import { codedError } from "../graphql/errors.ts";
import { type StartTimer, startRealTimer } from "../process/timer.ts";
import { CHANGES_PATH } from "./changes-answer.ts";
import type { Cursor, RecentChanges } from "./recent-changes.ts";

const HELD_MS_MAX = 250;
/** A held request takes one of the door's 1,000. More gateways than this are answered at once. */
const HELD_MAX = 100;

const cursorOf = z.union([
  z.strictObject({
    epoch: z.string().max(100),
    number: z
      .string()
      .regex(/^\d{1,15}$/)
      .transform(Number),
  }),
  z.strictObject({}).transform(() => undefined),
]);

export interface ChangesRouteOptions {
  recent: RecentChanges;
  nowMs: () => number;
  startTimer?: StartTimer | undefined;
}

/** @returns the number of requests that are held */
export function addChangesRoute(
  app: FastifyInstance,
  { recent, nowMs, startTimer = startRealTimer }: ChangesRouteOptions,
): () => number {
  let held = 0;
  const hold = async ({ raw }: FastifyReply) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const endings = [startTimer(HELD_MS_MAX, resolve), recent.onNext(resolve)];
    raw.once("close", resolve);
    held++;
    await promise;
    held--;
    for (const end of endings) end();
  };
  app.get(CHANGES_PATH, async (request, reply) => {
    const sentAtMs = nowMs();
    const parsed = cursorOf.safeParse(request.query);
    if (!parsed.success) {
      const error = codedError("BAD_REQUEST", "/changes takes `epoch` and `number`, or neither.");
      return reply.code(400).send({ errors: [error.toJSON()] });
    }
    const cursor: Cursor | undefined = parsed.data;
    if (recent.isUpToDate(cursor) && held < HELD_MAX) await hold(reply);
    const answer = recent.since(cursor);
    if (answer) return { ...answer, waitedMs: nowMs() - sentAtMs };
    const error = codedError(
      "SUBGRAPH_UNAVAILABLE",
      "The changes of the database are not known at the moment.",
    );
    return reply.code(503).send({ errors: [error.toJSON()] });
  });
  return () => held;
}
