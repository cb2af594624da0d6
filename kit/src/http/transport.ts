/**
 * GraphQL over HTTP between services: pooled keep-alive connections, with a
 * deadline and a span for every request.
 */
import { Agent, type Dispatcher } from "undici";
import { BY_SERVICE, IDENTITY_HEADER } from "../identity/assertion.ts";
import { clientSpan, injectTrace, inSpan } from "../process/tracing.ts";
import { readNotes } from "./answer-notes.ts";
import { codingsOf, type DecodedBody, decodeBody } from "./content-coding.ts";
import { authorization } from "./credential.ts";
import { DEADLINE_HEADER } from "./deadline.ts";
import {
  type AnswerHead,
  RESPONSE_BYTES_MAX,
  readAnswer,
  type SubgraphResponse,
} from "./transport-answer.ts";
import { TransportError, type TransportFault } from "./transport-error.ts";
import { asTransportError } from "./transport-failure.ts";
import { rememberTargets } from "./transport-targets.ts";

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

/** Keeps the memory that answers take within its limit. */
export interface Reader {
  /**
   * Undefined if `bytes` more may be read now. Otherwise a promise that resolves when they may, or rejects
   * with a TransportError.
   */
  read(bytes: number): Promise<void> | undefined;
  /** The answer came to nothing while it waited for `read`. */
  giveUp?(): void;
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
    ...(options.credential === undefined ? {} : { authorization: authorization(options.credential) }),
    ...(options.isService ? { [IDENTITY_HEADER]: BY_SERVICE } : {}),
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

/** Callers have gone by then, or are told that their request failed. */
async function closeSoon(agent: Agent, underWay: ReadonlySet<Exchange>): Promise<void> {
  const timer = setTimeout(() => callOff(underWay), CLOSING_MS);
  await agent.close();
  clearTimeout(timer);
}

function callOff(exchanges: Iterable<Exchange>): void {
  for (const exchange of exchanges) exchange.callOff();
}

interface ExchangeTerms {
  /** Whether the request carries this service's own credential rather than a client's. */
  isOurCredential: boolean;
  reader: Reader | undefined;
  /** Holds the exchange until it is over. */
  underWay: Set<Exchange>;
}

/**
 * One request and its answer. It is an undici handler, without undici's streams and abort signals and the
 * stack traces of their errors. That halves the CPU time of a small request.
 */
class Exchange implements Dispatcher.DispatchHandler {
  readonly answer: Promise<SubgraphResponse>;
  readonly #resolve: (answer: SubgraphResponse) => void;
  readonly #reject: (error: TransportError) => void;
  readonly #timer: NodeJS.Timeout;
  /** Absent while the request waits for a connection. */
  #controller: Dispatcher.DispatchController | undefined;
  #isOver = false;
  readonly #terms: ExchangeTerms;
  /**
   * Whether the answer waits for room, or had to. The service may have been able to end it in time, and may
   * have cut a connection on which nothing was read.
   */
  #heldUp: "never" | "before" | "now" = "never";
  #head: AnswerHead = { status: 0, contentEncoding: undefined, location: undefined, notes: undefined };
  readonly #chunks: Buffer[] = [];
  #stopListening = () => {};

  constructor(deadlineMs: number, terms: ExchangeTerms) {
    this.#terms = terms;
    terms.underWay.add(this);
    const { promise, resolve, reject } = Promise.withResolvers<SubgraphResponse>();
    this.answer = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#timer = setTimeout(() => this.#giveUp(this.#late(deadlineMs)), deadlineMs);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#isOver) controller.abort(ABORTED);
    else this.#controller = controller;
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    this.#head = {
      status,
      contentEncoding: headers["content-encoding"]?.toString(),
      location: headers.location?.toString(),
      notes: readNotes(headers),
    };
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk);
    const room = this.#terms.reader?.read(chunk.length);
    if (!room) return;
    controller.pause();
    this.#holdUp(room).then(
      () => controller.resume(),
      (error: TransportError) => this.#giveUp(error),
    );
  }

  #holdUp(room: Promise<void>): Promise<void> {
    this.#heldUp = "now";
    return room.finally(() => {
      this.#heldUp = "before";
    });
  }

  onResponseEnd(): void {
    const [first, ...more] = this.#chunks;
    const bytes = more.length === 0 ? first : Buffer.concat(this.#chunks);
    const codings = codingsOf(this.#head.contentEncoding);
    if (codings.length === 0 || !bytes) this.#settle({ kind: "decoded", bytes });
    // The deadline may still end the exchange while the body is decoded.
    else void this.#decode(bytes, codings);
  }

  async #decode(bytes: Buffer, codings: ReturnType<typeof codingsOf>): Promise<void> {
    const body = await decodeBody(bytes, codings, RESPONSE_BYTES_MAX);
    try {
      const more = bytesOf(body) - bytes.length;
      const room = more > 0 ? this.#terms.reader?.read(more) : undefined;
      if (room) await this.#holdUp(room);
      this.#settle(body);
    } catch (error) {
      this.#giveUp(error as TransportError);
    }
  }

  #settle(body: DecodedBody): void {
    if (!this.#end()) return;
    try {
      this.#resolve(readAnswer(this.#head, body, this.#terms.isOurCredential));
    } catch (error) {
      this.#reject(error as TransportError);
    }
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (!this.#end()) return;
    const said = asTransportError(error, this.#controller !== undefined);
    const isOurs = this.#heldUp !== "never" && said.fault === "unable";
    this.#reject(isOurs ? this.#error(said.message, said.fault) : said);
  }

  endWith(signal: AbortSignal): void {
    const callOff = () => this.callOff();
    if (signal.aborted) callOff();
    else signal.addEventListener("abort", callOff);
    // A signal may live much longer than a request.
    this.#stopListening = () => signal.removeEventListener("abort", callOff);
  }

  callOff(): void {
    this.#giveUp(this.#error("was called off", "not-theirs"));
  }

  #error(message: string, fault: TransportFault): TransportError {
    const effect = this.#controller ? "unknown" : "refused";
    const ours = this.#heldUp === "now" ? "no-room" : "not-theirs";
    return new TransportError(effect, message, { fault: this.#heldUp === "never" ? fault : ours });
  }

  /** A service whose answer has begun is not silent: a great answer to one client is slow. */
  #late(deadlineMs: number): TransportError {
    const hasBegun = this.#head.status !== 0;
    const message = `did not ${hasBegun ? "end its answer" : "answer"} within ${Math.round(deadlineMs)} ms`;
    return this.#error(message, hasBegun ? "unfinished" : "timeout");
  }

  #giveUp(error: TransportError): void {
    if (!this.#end()) return;
    this.#reject(error);
    this.#controller?.abort(ABORTED);
  }

  /** Ends the exchange. False if it had ended before. */
  #end(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#terms.underWay.delete(this);
    if (this.#heldUp === "now") this.#terms.reader?.giveUp?.();
    clearTimeout(this.#timer);
    this.#stopListening();
    return true;
  }
}

const bytesOf = (body: DecodedBody) => (body.kind === "decoded" && body.bytes?.length) || 0;

/** Tells undici that the answer is not wanted any more. It reaches no caller. */
const ABORTED = new Error("nobody waits for the answer any more");
