/**
 * GraphQL over HTTP between services: pooled keep-alive connections, a deadline and a span on every request.
 */
import type { GraphQLFormattedError } from "graphql";
import { Agent, request } from "undici";
import { authorization } from "./credential.ts";
import { clientSpan, injectTrace, inSpan } from "./tracing.ts";

/** One GraphQL request. */
export interface SubgraphRequest {
  query: string;
  operationName?: string | undefined;
  variables?: Record<string, unknown> | undefined;
}

/** A GraphQL answer as it came over the wire. */
export interface SubgraphResponse<Data = Record<string, unknown>> {
  data?: Data | null;
  errors?: readonly GraphQLFormattedError[];
}

/**
 * Why there is no answer. `refused`: it is certain that the service did not act on the request (no connection, or it
 * refused us before execution). `unknown`: it may or may not have.
 */
export class TransportError extends Error {
  override name = "TransportError";
  readonly effect: "refused" | "unknown";
  constructor(effect: "refused" | "unknown", message: string, options?: ErrorOptions) {
    super(message, options);
    this.effect = effect;
  }
}

/** Sends a request to an endpoint. @throws TransportError */
export type Send = (url: string, body: SubgraphRequest, options?: SendOptions) => Promise<SubgraphResponse>;

export interface SendOptions {
  deadlineMs?: number;
  /** Further headers, e.g. a request id. */
  headers?: Record<string, string>;
}

export interface Transport {
  send: Send;
  /** Closes the pooled connections after the requests under way. */
  close(): Promise<void>;
}

export interface TransportOptions {
  credential: string | undefined;
  /** How long a request may take when the caller does not say. */
  deadlineMs?: number;
  /** Sockets to one endpoint. Requests beyond wait in its queue. */
  connections?: number;
}

const DEADLINE_MS = 5_000;
/** A healthy endpoint on the same network accepts within a millisecond or two; a dead host must not cost the deadline. */
const CONNECT_TIMEOUT_MS = 1_000;
const CONNECTIONS = 64;
/** A larger answer is a fault of the service. It is cut off while it is read. */
const RESPONSE_BYTES_MAX = 32 * 1024 * 1024;

/** Failures that happen before the request has left: the other side cannot have acted. */
const NOT_SENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

export function createTransport(options: TransportOptions): Transport {
  const agent = new Agent({
    connections: options.connections ?? CONNECTIONS,
    pipelining: 1,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    // A server may close an idle connection just as a request leaves on it; servers here keep them for 72 s (Fastify).
    keepAliveTimeout: 30_000,
    maxResponseSize: RESPONSE_BYTES_MAX,
  });
  const headers: Record<string, string> = {
    "content-type": "application/json",
    accept: "application/json",
    ...(options.credential === undefined ? {} : { authorization: authorization(options.credential) }),
  };

  const sendInSpan: Send = async (url, body, sendOptions = {}) => {
    const deadlineMs = sendOptions.deadlineMs ?? options.deadlineMs ?? DEADLINE_MS;
    const ownHeaders = { ...headers, ...sendOptions.headers };
    injectTrace(ownHeaders);
    try {
      const answer = await request(url, {
        dispatcher: agent,
        method: "POST",
        headers: ownHeaders,
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(deadlineMs),
      });
      return readAnswer(answer.statusCode, await answer.body.text());
    } catch (error) {
      throw asTransportError(error, deadlineMs);
    }
  };
  const send: Send = (url, body, sendOptions) =>
    inSpan("POST", clientSpan(url, body.operationName), () => sendInSpan(url, body, sendOptions));
  return { send, close: () => agent.close() };
}

/**
 * GraphQL servers answer a request that they refuse with 4xx and a body of errors: that is an answer, not a failure. A server
 * that answers 5xx has failed, whatever it says: another instance may do better.
 */
function readAnswer(status: number, text: string): SubgraphResponse {
  if (status === 401) throw new TransportError("refused", "refused the service credential");
  if (status >= 500) throw new TransportError("unknown", `answered ${status}`);
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new TransportError("unknown", `answered ${status} with a body that is not JSON`);
  }
  if (!isGraphQLAnswer(answer)) {
    throw new TransportError("unknown", `answered ${status} with a body that is not a GraphQL answer`);
  }
  return answer;
}

const isAbsent = (value: unknown) => value === undefined || value === null;
const isJsonObject = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value);

/** An object, or null if `errors` say why. */
function isGraphQLAnswer(answer: unknown): answer is SubgraphResponse {
  if (!isJsonObject(answer)) return false;
  const { data, errors } = answer as { data?: unknown; errors?: unknown };
  if (!isAbsent(data) && !isJsonObject(data)) return false;
  if (isAbsent(errors)) return data !== undefined;
  return Array.isArray(errors) && errors.every(isGraphQLError) && (data !== undefined || errors.length > 0);
}

/** Those who join answers go by the errors' paths, so a malformed one would put other services' rows at risk. */
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

function asTransportError(error: unknown, deadlineMs: number): TransportError {
  if (error instanceof TransportError) return error;
  const { code, name, message } = error as NodeJS.ErrnoException;
  if (name === "TimeoutError") return new TransportError("unknown", `did not answer within ${deadlineMs} ms`);
  const codes = error instanceof AggregateError ? error.errors.map((inner) => inner.code) : [code];
  const effect = codes.every((each) => NOT_SENT.has(String(each))) ? "refused" : "unknown";
  return new TransportError(effect, `did not answer (${code ?? message})`, { cause: error });
}
