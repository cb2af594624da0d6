/**
 * The errors that a client of the graph can get, in one table. The codes of a partitioned subgraph carry its
 * name, so they are made from it (`partitionErrors`).
 *
 * A code is in the table only if some caller can react to it. Expected outcomes of an operation (out of
 * stock, an e-mail address in use) are not errors but members of the operation's result union. docs/errors.md
 * is compared with this table.
 */
import { GraphQLError } from "graphql";

export const ERROR_CODES = {
  BAD_USER_INPUT: "An argument is not acceptable; `field` names it. Nothing was changed.",
  SUBGRAPH_UNAVAILABLE:
    "A service without partitions did not answer; `subgraph` names it. A read can be tried again.",
  OUTCOME_UNKNOWN:
    "A mutation was sent, and its answer was lost or is of no use: it may have happened or not; `subgraph`, or the field with its name, says who was asked. The same again under the same idempotency key is safe.",
  UNAUTHENTICATED:
    "Who asks is not known: a service of ours got no service credential or an assertion that it does not believe, or a foreign one does not accept the client's. Nothing was changed.",
  TOKEN_EXPIRED: "The client's token has expired; get a new one. Nothing was executed.",
  TOKEN_NOT_YET_VALID:
    "The client's token is for a later time, by the gateway's clock. Nothing was executed.",
  TOKEN_INVALID:
    "The client's token is not accepted; `reason` says why (docs/identity.md). Nothing was executed.",
  KEYS_UNAVAILABLE:
    "The keys that check clients' tokens cannot be read. Nothing was executed; try again later, or without a token.",
  UNAUTHORIZED_FIELD:
    "The caller may not have the field, which is null; `coordinate` names it, `directive` and `needs` say what is asked of callers. A mutation's root field has changed nothing.",
  FORBIDDEN: "A foreign service knows who asks and does not allow it. Nothing was changed.",
  PROTOCOL_VIOLATION:
    "A message between services contradicts what its receiver has durably recorded. Nothing was changed.",
  DEADLINE_EXCEEDED:
    "The time that the caller had left was over before a service was done. What is not under a key is not known to have happened or not.",
  REQUEST_TOO_LARGE: "The request body is over the limit.",
  ANSWER_TOO_LARGE:
    "The answer would be larger than the gateway puts together; what is beyond is null. Ask for smaller pages.",
  OVERLOADED:
    "As many requests are under way as the server carries out at a time, or on this connection, or too many new operations wait to be read, validated or planned, or one has waited for 10 s. Nothing was executed; try again later.",
  BAD_REQUEST:
    "The HTTP request is not a GraphQL request: its path, method, headers or body. Nothing was executed.",
  GRAPHQL_PARSE_FAILED: "The document is not GraphQL, or is nested too deep to be read.",
  GRAPHQL_VALIDATION_FAILED: "The document does not fit the schema.",
  OPERATION_LIMIT_EXCEEDED:
    "The operation is beyond a limit; `limit` names it, `actual` is its figure, `allowed` the most there may be. Nothing was executed.",
  OPERATION_NOT_IN_SAFELIST:
    "The gateway runs the operations of its safelist only, and this is none of them. Nothing was executed.",
  OPERATION_NOT_SUPPORTED:
    "The operation is a subscription, and the gateway carries out queries and mutations only. Nothing was executed.",
  OPERATION_RESOLUTION_FAILURE:
    "The document has no operation of the given `operationName`, or several and no name was given.",
  PERSISTED_QUERY_NOT_FOUND:
    "The hash of a persisted query is not known here, or no more; send it again with the document.",
  INTERNAL_SERVER_ERROR: "A fault of ours. The details are in the service's log, under the same request id.",
} as const;

/** Where the code has `string`, it has the name of a partitioned subgraph in capitals. */
type PartitionCode = `UNKNOWN_${string}` | `WRONG_${string}` | `${string}_UNAVAILABLE`;

export type ErrorCode = keyof typeof ERROR_CODES | PartitionCode;

/** Makes a coded error for a client. `details` become further extensions, for example `field`. */
export function codedError(
  code: ErrorCode,
  message: string,
  details: Record<string, unknown> = {},
): GraphQLError {
  return new GraphQLError(message, { extensions: { ...details, code } });
}

/** The codes of a service that could not do its work just now: its database is away, or the time is over. */
const NOT_NOW = /^(?:DEADLINE_EXCEEDED|OVERLOADED|OUTCOME_UNKNOWN|\w+_UNAVAILABLE)$/;

/**
 * Whether a service's errors all mean "not now". Any other error is a fault, of the service or of its caller.
 */
export function areNotNow(errors: readonly { extensions?: Record<string, unknown> }[]): boolean {
  return errors.every(({ extensions }) => NOT_NOW.test(String(extensions?.code)));
}

/** Whether a service's errors all mean that its database was away, so that nothing was done. */
export function areUnavailable(errors: readonly { extensions?: Record<string, unknown> }[]): boolean {
  return errors.every(({ extensions }) => /^\w+_UNAVAILABLE$/.test(String(extensions?.code)));
}

/** Cuts a text that a client or a service chose, so that it cannot fill the answer. */
export function cutText(text: string, lengthMax: number): string {
  return text.length > lengthMax ? `${text.slice(0, lengthMax)}…` : text;
}

/**
 * The error for a wrong argument. `field` is its path below the root field's arguments, e.g.
 * `input.lines.0.quantity`.
 */
export function badInput(field: string, message: string): GraphQLError {
  return codedError("BAD_USER_INPUT", `${field}: ${message}`, { field });
}

/** The code for a partition of a subgraph: `partitionCode("UNKNOWN", "branch")` is `UNKNOWN_BRANCH`. */
export function partitionCode(condition: "UNKNOWN" | "WRONG", subgraph: string): PartitionCode {
  return `${condition}_${subgraph.toUpperCase()}`;
}

/** The code of a partition that does not answer: `BRANCH_UNAVAILABLE` for the subgraph `branch`. */
export function unavailableCode(subgraph: string): PartitionCode {
  return `${subgraph.toUpperCase()}_UNAVAILABLE`;
}

/** The part of the table for one partitioned subgraph. Each such error has the partition under that name. */
export function partitionErrors(subgraph: string): Record<string, string> {
  return {
    [partitionCode("UNKNOWN", subgraph)]:
      `An id names a ${subgraph} that the topology does not have; \`${subgraph}\` is that name. Nothing was changed.`,
    [unavailableCode(subgraph)]:
      `The ${subgraph} that owns the row did not answer; \`${subgraph}\` names it. A read can be tried again.`,
    [partitionCode("WRONG", subgraph)]:
      `A request reached a ${subgraph} that does not own the row; \`${subgraph}\` is where it arrived. A routing fault.`,
  };
}

/**
 * Whether a client may see an error with these extensions as it is. Its code must be in the table above, or
 * be a partitioned subgraph's code with the partition under the subgraph's name. Other libraries have similar
 * codes (`UNKNOWN_ERROR`), but their messages were not written for clients.
 */
export function isClientError(extensions: Readonly<Record<string, unknown>> | undefined): boolean {
  const code = extensions?.code;
  if (typeof code !== "string" || code === "INTERNAL_SERVER_ERROR") return false;
  if (Object.hasOwn(ERROR_CODES, code)) return true;
  return Object.keys(extensions!).some((name) => Object.hasOwn(partitionErrors(name), code));
}
