/** Asking a service of which several instances may run. */
import { areNotNow, cutText } from "@teranga/kit/graphql/errors.ts";
import { REQUEST_ID_HEADER } from "@teranga/kit/http/server.ts";
import { type Send, type SubgraphRequest, TransportError } from "@teranga/kit/http/transport.ts";
import type { GraphQLFormattedError } from "graphql";
import type { z } from "zod";

export interface Question<Schema extends z.ZodType> extends SubgraphRequest {
  operationName: string;
  /** What the answer's data must look like. */
  answer: Schema;
  /** The limit for all instances together. */
  deadlineMs: number;
}

/** What a question is asked through. */
export interface AskMeans {
  send: Send;
  /** Makes the request's id. Many clients' requests may share it, so it is a new one; a failure names it. */
  newId: () => string;
  /** Told of an answer that none of our services gives as long as all is well, and of what it says. */
  onFault?: ((error: unknown) => void) | undefined;
}

const CAUSE_LENGTH_MAX = 300;

/**
 * Asks the instances in turn until one answers; everything that this service sends may be sent twice. An answer with errors is
 * none: whether the service has acted before it failed cannot be seen from here.
 * @throws TransportError `refused` only if it is certain that no instance has acted
 */
export async function ask<Schema extends z.ZodType>(
  { send, newId, onFault }: AskMeans,
  urls: readonly string[],
  question: Question<Schema>,
): Promise<z.infer<Schema>> {
  const { answer, deadlineMs, query, operationName, variables } = question;
  const body: SubgraphRequest = { query, operationName, variables };
  const requestId = newId();
  const failures: TransportError[] = [];
  for (const url of urls) {
    try {
      const { data, errors } = await send(url, body, {
        deadlineMs: Math.max(1, Math.ceil(deadlineMs / urls.length)),
        headers: { [REQUEST_ID_HEADER]: requestId },
      });
      const parsed = answer.safeParse(data);
      if (!errors && parsed.success) return parsed.data;
      const failure = errors ? answeredWith(errors[0]) : answeredElse(parsed.error);
      if (!errors || !areNotNow(errors)) onFault?.(named(failure, `${operationName} (request ${requestId})`));
      throw failure;
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      failures.push(error);
    }
  }
  const effect = failures.every((failure) => failure.effect === "refused") ? "refused" : "unknown";
  const reasons = failures.map(({ message }) => message).join("; ");
  throw new TransportError(effect, `${operationName} (request ${requestId}): ${reasons}`, {
    cause: failures.at(-1),
  });
}

function answeredWith(error: GraphQLFormattedError | undefined): TransportError {
  const code = String(error?.extensions?.code ?? "without a code");
  const cause = new Error(cutText(error?.message ?? "", CAUSE_LENGTH_MAX));
  return new TransportError("unknown", `answered with an error (${code})`, { cause });
}

/** @param cause what does not fit */
export function answeredElse(cause: unknown): TransportError {
  return new TransportError("unknown", "answered something else than was asked", { cause });
}

/** The same failure, with what was asked. */
export function named({ effect, message, cause }: TransportError, what: string): TransportError {
  return new TransportError(effect, `${what}: ${message}`, { cause });
}
