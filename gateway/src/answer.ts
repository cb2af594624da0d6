/** The shapes of answers and their errors while they are taken apart and joined. */
import type { GraphQLError, GraphQLFormattedError } from "graphql";

export type JsonObject = Record<string, unknown>;

/** Response names and list indexes, outermost first. */
export type ResponsePath = readonly (string | number)[];

/** What one partition made of the part of an operation that it was sent. */
export type PartAnswer =
  | { kind: "answered"; data: JsonObject | null; errors: readonly GraphQLFormattedError[] }
  | { kind: "failed"; error: GraphQLError };

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An error at a place in an answer. What a service says of its own document (`locations`) means nothing to a client. */
export function errorAt(
  { message, extensions }: Pick<GraphQLFormattedError, "message" | "extensions">,
  path: ResponsePath,
): GraphQLFormattedError {
  return { message, path, ...(extensions && { extensions }) };
}
