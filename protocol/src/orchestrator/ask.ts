/** Asks a service that may run as several instances. */
import { areNotNow, cutText } from "@teranga/kit/graphql/errors.ts";
import { REQUEST_ID_HEADER } from "@teranga/kit/http/server.ts";
import { type Send, type SubgraphRequest, TransportError } from "@teranga/kit/http/transport.ts";
import type { GraphQLFormattedError } from "graphql";
import type { z } from "zod";

export interface Question<Schema extends z.ZodType> extends SubgraphRequest {
  operationName: string;
  /** The schema of the answer's data. */
  answer: Schema;
  /** The limit for all instances together. */
  deadlineMs: number;
}

/** The dependencies of a question. */
export interface AskMeans {
  send: Send;
  /**
   * Makes the request's id, a new one, since many clients' requests may share
   * this request. A failure names it.
   */
  newId: () => string;
  /** Called with an answer that none of our services gives while all is well. */
  onFault?: ((error: unknown) => void) | undefined;
}

const CAUSE_LENGTH_MAX = 300;

/**
 * Asks the instances in turn until one answers. Every request of this service may be sent twice. An answer
 * with errors counts as no answer, because the caller cannot see whether the service acted before it failed.
 * @throws TransportError `refused` only if certainly no instance has acted
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

/** @param cause how the answer differs from the form that was asked for */
export function answeredElse(cause: unknown): TransportError {
  return new TransportError("unknown", "answered something else than was asked", { cause });
}

/** The same failure, with the name of the request in its message. */
export function named({ effect, message, cause }: TransportError, what: string): TransportError {
  return new TransportError(effect, `${what}: ${message}`, { cause });
}
