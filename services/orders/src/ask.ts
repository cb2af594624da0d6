/** Asking a service of which several instances may run. */
import { REQUEST_ID_HEADER } from "@teranga/kit/server.ts";
import { type Send, type SubgraphRequest, TransportError } from "@teranga/kit/transport.ts";
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
}

/**
 * Asks the instances in turn until one answers; everything that this service sends may be sent twice. An answer with errors is
 * none: whether the service has acted before it failed cannot be seen from here.
 * @throws TransportError `refused` only if it is certain that no instance has acted
 */
export async function ask<Schema extends z.ZodType>(
  { send, newId }: AskMeans,
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
      if (errors) throw new TransportError("unknown", `answered with an error (${codeOf(errors[0])})`);
      const parsed = answer.safeParse(data);
      if (parsed.success) return parsed.data;
      throw new TransportError("unknown", "answered something else than was asked", { cause: parsed.error });
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

function codeOf(error: { extensions?: Record<string, unknown> } | undefined): string {
  return String(error?.extensions?.code ?? "without a code");
}
