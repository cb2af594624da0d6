/** The HTTP interface of the simulated company, as docs/payments.md asks of a company. */
import { DEFAULT_DOOR, httpOptions, keepDoor } from "@teranga/kit/http/door.ts";
import { addHealth } from "@teranga/kit/http/listen.ts";
import { NO_SCHEMAS } from "@teranga/kit/http/no-schemas.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import type { Clock } from "@teranga/kit/process/retry.ts";
import { type FastifyInstance, type FastifyReply, fastify } from "fastify";
import { z } from "zod";
import { type Books, BooksFull, NotRecorded } from "./books.ts";
import { isSigned } from "./signature.ts";

/** A message is 200 bytes. */
const BODY_BYTES_MAX = 4_096;

const json = z.string().transform((text, context) => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    context.addIssue("is not JSON");
    return z.NEVER;
  }
});
const idempotencyKey = z.string().min(1).max(200);
const authorisation = json.pipe(
  z.object({
    idempotencyKey,
    amount: z.int().min(0),
    currency: z.literal("XOF"),
    payer: z.string().regex(/^\+\d{3,19}$/),
  }),
);
const settlement = json.pipe(z.object({ idempotencyKey }));

export interface CompanyMeans {
  books: Books;
  /** The secret that the shop signs with. */
  secret: string;
  clock: Clock;
  log: Logger;
}

interface Answered {
  idempotencyKey: string;
  answer: string;
}

/** Makes the company's server, which does not listen yet. */
export function createCompany({ books, secret, clock, log }: CompanyMeans): FastifyInstance {
  const app = fastify({
    bodyLimit: BODY_BYTES_MAX,
    forceCloseConnections: "idle",
    keepAliveTimeout: DEFAULT_DOOR.keepAliveMs,
    http: httpOptions(DEFAULT_DOOR),
    schemaController: NO_SCHEMAS,
  });
  keepDoor(app, DEFAULT_DOOR, () => {});
  addHealth(app, async () => {});
  // The signature covers the bytes, so the body must not be parsed first.
  app.addContentTypeParser("application/json", { parseAs: "string" }, (_request, body, done) =>
    done(null, body),
  );
  const onMessage = (message: string, answerTo: (body: string) => Answered) =>
    app.post(`/${message}`, async (request, reply) => {
      const body = String(request.body);
      const header = request.headers["teranga-signature"];
      if (!isSigned({ header, message, body }, secret, clock.nowMs()))
        return refuse(reply, 401, "not signed");
      try {
        const answered = answerTo(body);
        log.info({ message, ...answered }, "a message about a payment");
        return { answer: answered.answer };
      } catch (error) {
        if (error instanceof z.ZodError) return refuse(reply, 400, z.prettifyError(error));
        if (error instanceof BooksFull) return refuse(reply, 503, "there is no room for more payments");
        if (error instanceof NotRecorded) {
          log.error({ message, reason: error.message }, "a message was refused");
          return refuse(reply, 503, "nothing can be recorded");
        }
        throw error;
      }
    });

  onMessage("authorise", (body) => {
    const { idempotencyKey, payer, amount } = authorisation.parse(body);
    return { idempotencyKey, answer: books.authorise(idempotencyKey, payer, amount) };
  });
  for (const message of ["capture", "void", "refund"] as const) {
    onMessage(message, (body) => {
      const { idempotencyKey } = settlement.parse(body);
      return { idempotencyKey, answer: books.settle(idempotencyKey, message) };
    });
  }
  return app;
}

function refuse(reply: FastifyReply, status: number, error: string): FastifyReply {
  return reply.code(status).send({ error });
}
