/** One GraphQL request over HTTP and its answer, as undici tells of it. */
import type { Dispatcher } from "undici";
import { readNotes } from "./answer-notes.ts";
import { codingsOf, type DecodedBody, decodeBody } from "./content-coding.ts";
import {
  type AnswerHead,
  RESPONSE_BYTES_MAX,
  readAnswer,
  type SubgraphResponse,
} from "./transport-answer.ts";
import { TransportError, type TransportFault } from "./transport-error.ts";
import { asTransportError } from "./transport-failure.ts";

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
export class Exchange implements Dispatcher.DispatchHandler {
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
