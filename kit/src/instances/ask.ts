/** Asks another service of ours, which may run as several instances, for an answer of a known form. */
import type { GraphQLFormattedError } from "graphql";
import type { z } from "zod";
import { areNotNow, cutText } from "../graphql/errors.ts";
import { REQUEST_ID_HEADER } from "../http/server.ts";
import { type SubgraphRequest, type SubgraphResponse, TransportError } from "../http/transport.ts";
import { askForPositions, collect } from "../reads/collected-positions.ts";
import { askInstances } from "./ask-instances.ts";
import type { Instances } from "./instances.ts";

export interface Question<Schema extends z.ZodType> extends SubgraphRequest {
  operationName: string;
  /** The schema of the answer's data. */
  answer: Schema;
  /** The limit for all instances together. */
  deadlineMs: number;
}

/** The dependencies of a question. */
export interface AskMeans {
  instances: Instances;
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
 * Asks the instances in turn until one answers. Every request between our services may be sent twice. An
 * answer with errors counts as no answer, because the caller cannot see whether the service acted before it
 * failed.
 * @throws TransportError `refused` only if certainly no instance has acted
 */
export async function ask<Schema extends z.ZodType>(
  { instances, newId, onFault }: AskMeans,
  urls: readonly string[],
  { query, operationName, variables, answer, deadlineMs }: Question<Schema>,
): Promise<z.infer<Schema>> {
  const requestId = newId();
  const what = `${operationName} (request ${requestId})`;
  const read = ({ data, errors, notes }: SubgraphResponse): z.infer<Schema> => {
    collect(notes?.positions);
    const parsed = answer.safeParse(data);
    if (!errors && parsed.success) return parsed.data;
    const failure = errors ? answeredWith(errors[0]) : answeredElse(parsed.error);
    if (!errors || !areNotNow(errors)) onFault?.(named(failure, what));
    throw failure;
  };
  const { nowMs } = instances.clock;
  const asked = await askInstances(
    instances.of(urls),
    { query, operationName, variables },
    {
      repeat: "elsewhere",
      headers: { [REQUEST_ID_HEADER]: requestId, ...askForPositions() },
      deadlineAtMs: nowMs() + deadlineMs,
      nowMs,
      read,
    },
  );
  if (asked.kind === "answered") return asked.answer;
  const { failures, error } = asked;
  const effect = failures.every((failure) => failure.effect === "refused") ? "refused" : "unknown";
  // Whoever has not acted has moved no position.
  if (effect === "unknown") collect(undefined);
  const reasons = failures.map(({ message }) => message).join("; ");
  throw new TransportError(effect, `${what}: ${reasons}`, { cause: error });
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
