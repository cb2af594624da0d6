/**
 * GraphQL over HTTP between services: pooled keep-alive connections, a deadline and a span on every request.
 */
import type { GraphQLFormattedError } from "graphql";
import { Agent, type Dispatcher } from "undici";
import { authorization } from "./credential.ts";
import { DEADLINE_HEADER } from "./deadline.ts";
import { clientSpan, injectTrace, inSpan } from "./tracing.ts";

/** One GraphQL request. */
export interface SubgraphRequest {
  query: string;
  operationName?: string | undefined;
  variables?: Record<string, unknown> | undefined;
  /** The same as JSON, if somebody has made it already. */
  body?: string | undefined;
}

/** A GraphQL answer as it came over the wire. */
export interface SubgraphResponse<Data = Record<string, unknown>> {
  data?: Data | null;
  errors?: readonly GraphQLFormattedError[];
}

/**
 * What a failure says of the endpoint: nobody listens there, nothing was heard in time, something useless was, or nothing at all,
 * because it is our own doing.
 */
export type TransportFault = "no-connection" | "timeout" | "bad-answer" | "not-theirs";

/**
 * Why there is no answer. `refused`: it is certain that the service did not act on the request (it has not left, or the service
 * refused us before execution). `unknown`: it may or may not have.
 */
export class TransportError extends Error {
  override name = "TransportError";
  readonly effect: "refused" | "unknown";
  readonly fault: TransportFault;
  constructor(
    effect: "refused" | "unknown",
    message: string,
    { fault = "bad-answer", ...options }: ErrorOptions & { fault?: TransportFault } = {},
  ) {
    super(message, options);
    this.effect = effect;
    this.fault = fault;
  }
}

/** Sends a request to an endpoint. @throws TransportError */
export type Send = (url: string, body: SubgraphRequest, options?: SendOptions) => Promise<SubgraphResponse>;

export interface SendOptions {
  /** The service is told, and does not go on beyond it. */
  deadlineMs?: number;
  /** Further headers, e.g. a request id. */
  headers?: Record<string, string>;
  /** Calls it off. For what nobody waits for; a client's request has its deadline. */
  signal?: AbortSignal;
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
/** URLs whose parts are remembered; there are as many as instances of services. */
const TARGETS_MAX = 10_000;

export function createTransport(options: TransportOptions): Transport {
  const agent = new Agent({
    connections: options.connections ?? CONNECTIONS,
    pipelining: 1,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    // A server may close an idle connection just as a request leaves on it; servers here keep them for 72 s (Fastify).
    keepAliveTimeout: 30_000,
    maxResponseSize: RESPONSE_BYTES_MAX,
    // Each request has one timer, of its deadline.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  const headers: Record<string, string> = {
    "content-type": "application/json",
    accept: "application/json",
    ...(options.credential === undefined ? {} : { authorization: authorization(options.credential) }),
  };
  const targetOf = rememberTargets();

  const sendInSpan: Send = (url, request, sendOptions = {}) => {
    const deadlineMs = sendOptions.deadlineMs ?? options.deadlineMs ?? DEADLINE_MS;
    const ownHeaders: Record<string, string> = { ...headers, ...sendOptions.headers };
    ownHeaders[DEADLINE_HEADER] = String(Math.floor(deadlineMs));
    injectTrace(ownHeaders);
    const { query, operationName, variables } = request;
    const body = request.body ?? JSON.stringify({ query, operationName, variables });
    const exchange = new Exchange(deadlineMs);
    if (sendOptions.signal) exchange.endWith(sendOptions.signal);
    agent.dispatch({ ...targetOf(url), method: "POST", headers: ownHeaders, body }, exchange);
    return exchange.answer;
  };
  const send: Send = (url, request, sendOptions) =>
    inSpan("POST", clientSpan(url, request.operationName), async () => sendInSpan(url, request, sendOptions));
  return { send, close: () => agent.close() };
}

interface Target {
  origin: string;
  path: string;
}

/** Taking a URL apart costs 2 µs, and there are few of them. */
function rememberTargets(): (url: string) => Target {
  const targets = new Map<string, Target>();
  return (url) => {
    const known = targets.get(url);
    if (known) return known;
    const { origin, pathname, search } = new URL(url);
    const target = { origin, path: pathname + search };
    if (targets.size >= TARGETS_MAX) targets.clear();
    targets.set(url, target);
    return target;
  };
}

/**
 * One request and its answer. Written as a handler of undici's, without its streams, abort signals and their errors' stack traces:
 * half of the CPU time of a small request.
 */
class Exchange implements Dispatcher.DispatchHandler {
  readonly answer: Promise<SubgraphResponse>;
  readonly #resolve: (answer: SubgraphResponse) => void;
  readonly #reject: (error: TransportError) => void;
  readonly #timer: NodeJS.Timeout;
  /** Absent as long as the request waits for a connection. */
  #controller: Dispatcher.DispatchController | undefined;
  #isOver = false;
  #status = 0;
  readonly #chunks: Buffer[] = [];

  constructor(deadlineMs: number) {
    const { promise, resolve, reject } = Promise.withResolvers<SubgraphResponse>();
    this.answer = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#timer = setTimeout(
      () => this.#giveUp(`did not answer within ${Math.round(deadlineMs)} ms`, "timeout"),
      deadlineMs,
    );
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#isOver) controller.abort(ABORTED);
    else this.#controller = controller;
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    this.#status = status;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    if (!this.#end()) return;
    const [first, ...more] = this.#chunks;
    const bytes = more.length === 0 ? first : Buffer.concat(this.#chunks);
    try {
      this.#resolve(readAnswer(this.#status, bytes?.toString() ?? ""));
    } catch (error) {
      this.#reject(error as TransportError);
    }
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#end()) this.#reject(asTransportError(error, this.#controller !== undefined));
  }

  endWith(signal: AbortSignal): void {
    const callOff = () => this.#giveUp("was called off", "not-theirs");
    if (signal.aborted) callOff();
    else signal.addEventListener("abort", callOff, { once: true });
  }

  #giveUp(message: string, fault: TransportFault): void {
    if (!this.#end()) return;
    this.#reject(new TransportError(this.#controller ? "unknown" : "refused", message, { fault }));
    this.#controller?.abort(ABORTED);
  }

  /** Whether this is the end: there is only one. */
  #end(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    clearTimeout(this.#timer);
    return true;
  }
}

/** What undici is told when nobody waits any more. Nobody sees it. */
const ABORTED = new Error("nobody waits for the answer any more");

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

/** What undici says of a request that it does not even try to send: a header that cannot be one, a transport that is closed. */
const NOT_THEIRS = new Set([
  "UND_ERR_INVALID_ARG",
  "UND_ERR_NOT_SUPPORTED",
  "UND_ERR_CLOSED",
  "UND_ERR_DESTROYED",
]);

/** @param hasLeft whether the request was on its way: then the other side may have acted */
function asTransportError(error: Error, hasLeft: boolean): TransportError {
  const { code = "", message } = error as NodeJS.ErrnoException;
  const effect = hasLeft ? "unknown" : "refused";
  return new TransportError(effect, `did not answer (${code || message})`, {
    cause: error,
    fault: faultOf(code, hasLeft),
  });
}

function faultOf(code: string, hasLeft: boolean): TransportFault {
  if (NOT_THEIRS.has(code)) return "not-theirs";
  if (code === "UND_ERR_CONNECT_TIMEOUT") return "timeout";
  return hasLeft ? "bad-answer" : "no-connection";
}
