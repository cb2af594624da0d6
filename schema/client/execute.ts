/** Sends typed documents to a gateway. The document decides the types of the variables and of the answer. */
import type { TypedDocumentNode } from "@graphql-typed-document-node/core";
import { print } from "graphql";

/** An answer in GraphQL's shape. A part that could not be fetched is null, and an error names its path. */
export interface Answer<Data> {
  data: Data | null;
  errors: readonly AnswerError[];
}

interface AnswerError {
  message: string;
  path?: readonly (string | number)[];
  /** docs/errors.md says what to do about each `code`. */
  extensions?: { code?: string } & Record<string, unknown>;
}

/** No answer came: it is not known whether the operation was carried out. */
export class NoAnswerError extends Error {
  override name = "NoAnswerError";
}

/** An order over many cities takes well under a second, and the gateway gives up on a city before this. */
const DEADLINE_MS = 15_000;

/** A gateway, asked in a way of one's own: with a session, for example (session.ts). */
export interface Gateway {
  url: string;
  fetch: typeof fetch;
}

/** No argument for a document without variables; a required one for a document with variables. */
export type VariablesArgument<Variables> =
  Variables extends Record<string, never> ? [] : [variables: Variables];

/**
 * Runs one operation.
 * @param gateway the gateway, or only its endpoint, for example `http://127.0.0.1:4000/graphql`
 * @throws NoAnswerError if no answer comes in time, or the answer has not GraphQL's shape
 */
export async function execute<Data, Variables>(
  gateway: string | Gateway,
  document: TypedDocumentNode<Data, Variables>,
  ...[variables]: VariablesArgument<Variables>
): Promise<Answer<Data>> {
  const { url, fetch: send } = typeof gateway === "string" ? { url: gateway, fetch } : gateway;
  let body: unknown;
  try {
    const response = await send(url, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify({ query: print(document), variables }),
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    body = await response.json();
  } catch (error) {
    throw new NoAnswerError(`${url} gave no answer that can be read.`, { cause: error });
  }
  if (!isAnswer<Data>(body)) throw new NoAnswerError(`${url} is no GraphQL endpoint.`);
  return { data: body.data ?? null, errors: body.errors ?? [] };
}

function isAnswer<Data>(body: unknown): body is Partial<Answer<Data>> {
  return typeof body === "object" && body !== null && ("data" in body || "errors" in body);
}
