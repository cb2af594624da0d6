/** Reads a service's HTTP answer: a GraphQL answer, or the reason why it is not one. */
import { isUtf8 } from "node:buffer";
import type { GraphQLFormattedError } from "graphql";
import type { ErrorCode } from "../graphql/errors.ts";
import type { AnswerNotes } from "./answer-notes.ts";
import type { DecodedBody } from "./content-coding.ts";
import { TransportError } from "./transport-error.ts";

/** A GraphQL answer, as received. */
export interface SubgraphResponse<Data = Record<string, unknown>> {
  data?: Data | null;
  errors?: readonly GraphQLFormattedError[];
  /** The length of its text. */
  bytes?: number;
  /** What its headers say of it. */
  notes?: AnswerNotes | undefined;
}

/** A larger answer is cut off while it is read or decoded. */
export const RESPONSE_BYTES_MAX = 32 * 1024 * 1024;

export interface AnswerHead {
  status: number;
  contentEncoding: string | undefined;
  location: string | undefined;
  notes: AnswerNotes | undefined;
}

const LOCATION_LENGTH_MAX = 200;

/**
 * A GraphQL server refuses a request with 4xx and a body of errors. That is an answer, not a failure. 401 and
 * 403 of a service that refuses the client are answers too, whatever the body. A server that answers 5xx has
 * failed, whatever its body: another instance may succeed.
 */
export function readAnswer(
  { status, location, notes }: AnswerHead,
  body: DecodedBody,
  isOurCredential: boolean,
): SubgraphResponse {
  if (status === 401 && isOurCredential) {
    throw new TransportError("refused", "refused the service credential", { fault: "not-theirs" });
  }
  if (status === 503 && isOverload(readAnswerOrNull(body))) throw overloaded();
  if (status >= 500) throw failedWith(status);
  if (status >= 300 && status < 400) throw redirected(status, location);
  const answer = status === 401 || status === 403 ? readRefusal(status, body) : readBody(status, body);
  // Set even if there are none: the body may have a member of this name.
  if (answer) return Object.assign(answer, { notes });
  throw new TransportError("unknown", `answered ${status} with a body that is not a GraphQL answer`, {
    fault: status >= 400 ? "not-theirs" : "bad-answer",
  });
}

/** The answer that our own servers give at the door (door.ts). Nothing was carried out. */
function isOverload(answer: SubgraphResponse | null): boolean {
  const code: ErrorCode = "OVERLOADED";
  const { data, errors = [] } = answer ?? {};
  return !data && errors.length > 0 && errors.every(({ extensions }) => extensions?.code === code);
}

function overloaded(): TransportError {
  const said = "it has as many requests as it can take";
  return new TransportError("refused", "answered 503, OVERLOADED", { fault: "unable", said });
}

function failedWith(status: number): TransportError {
  const fault = status >= 502 && status <= 504 ? "unable" : "bad-answer";
  return new TransportError("unknown", `answered ${status}`, { fault });
}

/**
 * Redirects are not followed, because the credential would go along. 307 and 308 say that nothing was done.
 */
function redirected(status: number, location = "nowhere"): TransportError {
  const effect = status === 307 || status === 308 ? "refused" : "unknown";
  const to = location.slice(0, LOCATION_LENGTH_MAX);
  const message = `answered ${status}, a redirect to ${to}; it is not followed, the service's URL must be the final one`;
  return new TransportError(effect, message, { said: "it answered with a redirect, which is not followed" });
}

const REFUSALS = {
  401: { code: "UNAUTHENTICATED", message: "The service does not accept who is asking." },
  403: { code: "FORBIDDEN", message: "The service does not allow this to who is asking." },
} as const;

/** The service's own errors if they are GraphQL errors, each with a code. */
function readRefusal(status: 401 | 403, body: DecodedBody): SubgraphResponse {
  const { code, message } = REFUSALS[status];
  const said = readAnswerOrNull(body);
  const errors = said?.errors?.length ? said.errors : [{ message }];
  return {
    data: said?.data ?? null,
    errors: errors.map((error) => ({ ...error, extensions: { code, ...error.extensions } })),
  };
}

function readAnswerOrNull(body: DecodedBody): SubgraphResponse | null {
  // Of other bytes than UTF-8, letters would become others without a word.
  if (body.kind !== "decoded" || !body.bytes || !isUtf8(body.bytes)) return null;
  try {
    const answer: unknown = JSON.parse(textOf(body.bytes));
    if (!isGraphQLAnswer(answer)) return null;
    // Some servers write null if there are no errors.
    if (isAbsent(answer.errors)) delete answer.errors;
    return Object.assign(answer, { bytes: body.bytes.length });
  } catch {
    return null;
  }
}

function readBody(status: number, body: DecodedBody): SubgraphResponse | null {
  switch (body.kind) {
    case "decoded":
      return readAnswerOrNull(body);
    case "too-large":
      throw tooLarge();
    case "broken":
      throw new TransportError("unknown", `answered ${status} with a body that is not ${body.coding}`);
    case "unknown-coding":
      throw new TransportError(
        "unknown",
        `answered ${status} in a content coding that is not known: ${body.coding}`,
      );
    default:
      return body satisfies never;
  }
}

export function tooLarge(cause?: Error): TransportError {
  return new TransportError("unknown", `answered with more than ${RESPONSE_BYTES_MAX} bytes`, {
    cause,
    fault: "not-theirs",
    said: "its answer is too large",
  });
}

/** Removes a byte-order mark. A JSON parser may ignore it (RFC 8259, 8.1), but JavaScript's does not. */
function textOf(bytes: Buffer): string {
  const text = bytes.toString();
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

const isAbsent = (value: unknown) => value === undefined || value === null;
const isJsonObject = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value);

/** A GraphQL answer has an object as `data`, or null with `errors` that say why. */
function isGraphQLAnswer(answer: unknown): answer is SubgraphResponse {
  if (!isJsonObject(answer)) return false;
  const { data, errors } = answer as { data?: unknown; errors?: unknown };
  if (!isAbsent(data) && !isJsonObject(data)) return false;
  if (isAbsent(errors)) return data !== undefined;
  return Array.isArray(errors) && errors.every(isGraphQLError) && (data !== undefined || errors.length > 0);
}

/**
 * The gateway joins answers by the paths of errors, so a malformed error would endanger other services' rows.
 */
function isGraphQLError(error: unknown): boolean {
  if (!isJsonObject(error)) return false;
  const { message, path, extensions } = error as { message?: unknown; path?: unknown; extensions?: unknown };
  return (
    typeof message === "string" &&
    (isAbsent(path) || (Array.isArray(path) && path.every(isPathStep))) &&
    (isAbsent(extensions) || isJsonObject(extensions))
  );
}

const isPathStep = (step: unknown) =>
  typeof step === "string" || (Number.isSafeInteger(step) && (step as number) >= 0);
