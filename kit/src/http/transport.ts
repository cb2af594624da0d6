/**
 * GraphQL over HTTP between services: pooled keep-alive connections, with a
 * deadline and a span for every request.
 */
import { Agent } from "undici";
import { clientSpan, injectTrace, inSpan } from "../process/tracing.ts";
import { authorization, serviceHeaders } from "./credential.ts";
import { DEADLINE_HEADER } from "./deadline.ts";
import { Exchange, type Reader } from "./exchange.ts";
import { RESPONSE_BYTES_MAX, type SubgraphResponse } from "./transport-answer.ts";
import { rememberTargets } from "./transport-targets.ts";

export type { Reader } from "./exchange.ts";
export type { SubgraphResponse } from "./transport-answer.ts";
export { TransportError, type TransportFault } from "./transport-error.ts";

/** One GraphQL request. */
export interface SubgraphRequest {
  query: string;
  operationName?: string | undefined;
  variables?: Record<string, unknown> | undefined;
  /** The same request as JSON, if it was made before. */
  body?: string | undefined;
}

/**
 * Sends a request to an endpoint.
 * @throws TransportError
 */
export type Send = (url: string, body: SubgraphRequest, options?: SendOptions) => Promise<SubgraphResponse>;

export interface SendOptions {
  /** In milliseconds. The service is told the deadline and stops at it. */
  deadlineMs?: number;
  /** Further headers, e.g. a request id. */
  headers?: Record<string, string>;
  /**
   * Calls the request off when its result is no longer needed. A client's request has its deadline instead.
   */
  signal?: AbortSignal;
  /** Decides whether the answer may be read; every answer may be by default. */
  reader?: Reader | undefined;
}

export interface Transport {
  send: Send;
  /** Closes the pooled connections, after the requests under way if they end soon. */
  close(): Promise<void>;
}

export interface TransportOptions {
  credential: string | undefined;
  /**
   * Whether this is a service, which asks others on its own behalf. A gateway asks on behalf of clients, and
   * says so with each request.
   */
  isService?: boolean;
  /** How long a request may take if the caller does not say, in milliseconds. */
  deadlineMs?: number;
  /** Sockets to one endpoint. Further requests wait in its queue. */
  connections?: number;
}

const DEADLINE_MS = 5_000;
/**
 * A healthy endpoint in the same network accepts within a millisecond or two. A dead
 * host must not use up the deadline.
 */
const CONNECT_TIMEOUT_MS = 1_000;
const CONNECTIONS = 64;
const CLOSING_MS = 1_000;

export function createTransport(options: TransportOptions): Transport {
  const agent = new Agent({
    connections: options.connections ?? CONNECTIONS,
    pipelining: 1,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    // A server may close an idle connection just as a request leaves on it. Our servers keep
    // connections for 72 s (door.ts).
    keepAliveTimeout: 30_000,
    maxResponseSize: RESPONSE_BYTES_MAX,
    // Each request has one timer, that of its deadline.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  const headers: Record<string, string> = {
    "content-type": "application/json",
    accept: "application/json",
    // Services are near each other, so compression costs both sides more than it saves. A compressed answer
    // is decoded all the same.
    "accept-encoding": "identity",
    ...headersOfCaller(options),
  };
  const targetOf = rememberTargets();
  const underWay = new Set<Exchange>();

  const sendInSpan: Send = (url, request, sendOptions = {}) => {
    const deadlineMs = sendOptions.deadlineMs ?? options.deadlineMs ?? DEADLINE_MS;
    const ownHeaders: Record<string, string> = { ...headers, ...sendOptions.headers };
    ownHeaders[DEADLINE_HEADER] = String(Math.floor(deadlineMs));
    injectTrace(ownHeaders);
    const { query, operationName, variables } = request;
    const body = request.body ?? JSON.stringify({ query, operationName, variables });
    const isOurCredential =
      ownHeaders.authorization !== undefined && ownHeaders.authorization === headers.authorization;
    const { reader } = sendOptions;
    const exchange = new Exchange(deadlineMs, { isOurCredential, reader, underWay });
    if (sendOptions.signal) exchange.endWith(sendOptions.signal);
    agent.dispatch({ ...targetOf(url), method: "POST", headers: ownHeaders, body }, exchange);
    return exchange.answer;
  };
  const send: Send = (url, request, sendOptions) =>
    inSpan("POST", clientSpan(url, request.operationName), async () => sendInSpan(url, request, sendOptions));
  return { send, close: () => closeSoon(agent, underWay) };
}

function headersOfCaller({ credential, isService }: TransportOptions): Record<string, string> {
  if (credential === undefined) return {};
  return isService ? serviceHeaders(credential) : { authorization: authorization(credential) };
}

/** Callers have gone by then, or are told that their request failed. */
async function closeSoon(agent: Agent, underWay: ReadonlySet<Exchange>): Promise<void> {
  const timer = setTimeout(() => callOff(underWay), CLOSING_MS);
  await agent.close();
  clearTimeout(timer);
}

function callOff(exchanges: Iterable<Exchange>): void {
  for (const exchange of exchanges) exchange.callOff();
}
