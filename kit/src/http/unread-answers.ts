/**
 * Answers that clients have not taken yet. A large answer is held once, as bytes in pieces. Each piece is
 * written when the client has taken the one before. So the server knows how much a client has taken, and
 * frees that memory. The parts of an answer are taken from their maker as fast as they are made: the objects
 * of which they are made take four to eight times as much memory as the bytes that wait.
 *
 * All unread answers together have a limit. Beyond it, the clients that have taken least lately are cut off,
 * of equals the oldest. A client that reads keeps its answer.
 */
import type { Server } from "node:http";
import type { Socket } from "node:net";
import { pipeline, Readable, Transform } from "node:stream";
import type { FastifyInstance } from "fastify";
import { takenBytes } from "./taken-bytes.ts";

/**
 * Smaller answers are written at once. The largest answers of our own client have some 100,000 characters.
 */
const GREAT_CHARACTERS = 256 * 1024;
const PIECE_CHARACTERS = 64 * 1024;
const CHECK_MS = 500;
/** What is left at each check of the bytes taken before: after 3 s a half. */
const LEFT_OF_LATELY = 0.9;
/** At so many checks a newcomer's own system may still fill its buffer. This is no sign that it reads. */
const FILLING_CHECKS = 3;

export interface UnreadTerms {
  /** From the moment when an answer's bytes are ready until the client has taken them. */
  answerMs: number;
  /** The limit for all answers together. */
  unreadBytesMax: number;
  /** How long a client may take nothing while the server closes. */
  closingMs: number;
  onGivenUp: () => void;
}

/** What one client has not taken yet. */
interface Unread {
  /** Bytes of a large answer that have not been handed to the socket. */
  waiting: number;
  /** The bytes that the client had taken at the last check. Undefined before the first one. */
  taken: number | undefined;
  /** When it was last seen to take something. */
  takenAtMs: number;
  /** The bytes taken in the last seconds. */
  lately: number;
  checks: number;
  /** What was ready at `readyAtMs` must be taken within `answerMs`. */
  ready: number;
  readyAtMs: number;
}

export class UnreadAnswers {
  readonly #terms: UnreadTerms;
  readonly #open: ReadonlySet<Socket>;
  /** The sockets that hold something, those that have held it the longest first. */
  readonly #unread = new Map<Socket, Unread>();
  /** The parts that have not been handed to the socket, of an answer in parts. */
  readonly #parts = new WeakMap<Socket, Readable>();
  #isClosing = false;
  #isMeasuring = false;

  /** @param open the sockets on which answers may be under way */
  constructor(server: Server, open: ReadonlySet<Socket>, terms: UnreadTerms) {
    this.#open = open;
    this.#terms = terms;
    const periodMs = Math.min(CHECK_MS, terms.answerMs / 2, terms.closingMs / 2);
    const timer = setInterval(() => this.#check(), periodMs).unref();
    server.once("close", () => clearInterval(timer));
  }

  /**
   * Must be called before other hooks that see answers are added: this hook turns large answers into streams.
   */
  keep(app: FastifyInstance): void {
    app.addHook("onSend", (request, reply, payload, done) => {
      const { socket } = request.raw;
      if (payload instanceof Readable) {
        done(null, this.#holdParts(socket, payload));
        return;
      }
      if (typeof payload !== "string" || payload.length < GREAT_CHARACTERS) {
        done(null, payload);
        return;
      }
      const pieces = [...piecesOf(payload)];
      reply.header("content-length", String(bytesOf(pieces)));
      done(null, this.#hold(socket, pieces));
    });
  }

  /** From now on a client that takes nothing is not waited for. */
  close(): void {
    const nowMs = performance.now();
    this.#isClosing = true;
    this.#look(nowMs);
    for (const unread of this.#unread.values()) unread.takenAtMs = nowMs;
    void this.#measure();
  }

  /** The waiting bytes of all answers. */
  get bytes(): number {
    let bytes = 0;
    for (const [socket, unread] of this.#unread) bytes += this.#heldBy(socket, unread);
    return bytes;
  }

  #heldBy(socket: Socket, unread: Unread): number {
    return socket.writableLength + this.#waitingFor(socket, unread);
  }

  /** The bytes for a socket that have not been handed to it. */
  #waitingFor(socket: Socket, { waiting }: Unread): number {
    return waiting + (this.#parts.get(socket)?.readableLength ?? 0);
  }

  #holdParts(socket: Socket, parts: Readable): Readable {
    const held = new Transform({
      readableHighWaterMark: Number.MAX_SAFE_INTEGER,
      transform: (part: Buffer, _, done) => {
        done(null, part);
        if (held.readableLength <= GREAT_CHARACTERS) return;
        this.#look(performance.now());
        this.#makeRoom(socket);
      },
    });
    this.#parts.set(socket, held);
    // An error of the maker ends the answer. Without a client nothing more is made.
    return pipeline(parts, held, () => {});
  }

  #hold(socket: Socket, pieces: Buffer[]): Readable {
    const nowMs = performance.now();
    this.#look(nowMs);
    const unread = this.#unread.get(socket) ?? begun(nowMs);
    this.#unread.set(socket, unread);
    unread.waiting = bytesOf(pieces);
    const stream = Readable.from(taken(pieces, unread), { objectMode: false });
    stream.once("close", () => {
      pieces.length = 0;
      unread.waiting = 0;
    });
    // Spares this socket: its client has had no time to read.
    this.#makeRoom(socket);
    return stream;
  }

  #check(): void {
    const nowMs = performance.now();
    this.#look(nowMs);
    for (const [socket, unread] of this.#unread) if (this.#isLate(unread, nowMs)) this.#giveUp(socket);
    this.#makeRoom();
    if (this.#isClosing || this.bytes > GREAT_CHARACTERS) void this.#measure();
  }

  /** Sees what each client has taken since the last check. */
  async #measure(): Promise<void> {
    if (this.#isMeasuring) return;
    this.#isMeasuring = true;
    const positions = await takenBytes(this.#unread.keys()).catch(() => []);
    this.#isMeasuring = false;
    for (const [socket, position] of positions) {
      const unread = this.#unread.get(socket);
      if (!unread) continue;
      const more = Math.max(0, position - (unread.taken ?? position));
      unread.taken = (unread.taken ?? position) + more;
      if (more > 0) unread.takenAtMs = performance.now();
      unread.lately *= LEFT_OF_LATELY;
      if (++unread.checks > FILLING_CHECKS) unread.lately += more;
    }
  }

  #look(nowMs: number): void {
    for (const socket of this.#unread.keys()) if (!this.#open.has(socket)) this.#unread.delete(socket);
    for (const socket of this.#open) {
      const unread = this.#unread.get(socket) ?? begun(nowMs);
      if (socket.destroyed || this.#heldBy(socket, unread) === 0) {
        this.#unread.delete(socket);
        continue;
      }
      this.#unread.set(socket, unread);
      if (socket.bytesWritten - socket.writableLength < unread.ready) continue;
      Object.assign(unread, {
        ready: socket.bytesWritten + this.#waitingFor(socket, unread),
        readyAtMs: nowMs,
      });
    }
  }

  #isLate({ readyAtMs, takenAtMs }: Unread, nowMs: number): boolean {
    const { answerMs, closingMs } = this.#terms;
    return nowMs - readyAtMs >= answerMs || (this.#isClosing && nowMs - takenAtMs >= closingMs);
  }

  #makeRoom(newest?: Socket): void {
    let beyond = this.bytes - this.#terms.unreadBytesMax;
    if (beyond <= 0) return;
    const victims = [...this.#unread].sort(([, one], [, other]) => one.lately - other.lately);
    for (const [socket, unread] of victims) {
      if (beyond <= 0) return;
      if (socket === newest) continue;
      beyond -= this.#heldBy(socket, unread);
      this.#giveUp(socket);
    }
  }

  #giveUp(socket: Socket): void {
    this.#unread.delete(socket);
    this.#terms.onGivenUp();
    socket.destroy();
  }
}

function begun(nowMs: number): Unread {
  const unseen = { taken: undefined, takenAtMs: nowMs, lately: 0, checks: 0 };
  return { ...unseen, waiting: 0, ready: 0, readyAtMs: nowMs };
}

const bytesOf = (pieces: readonly Buffer[]) => pieces.reduce((sum, { length }) => sum + length, 0);

function* piecesOf(text: string): Generator<Buffer> {
  for (let at = 0; at < text.length; ) {
    const end = at + PIECE_CHARACTERS;
    // Does not cut a surrogate pair in two.
    const isSplit = (text.charCodeAt(end) & 0xfc00) === 0xdc00;
    const next = isSplit ? end + 1 : end;
    yield Buffer.from(text.slice(at, next));
    at = next;
  }
}

/** Frees each piece when it is taken. */
function* taken(pieces: Buffer[], unread: Unread): Generator<Buffer> {
  for (const [at, piece] of pieces.entries()) {
    pieces[at] = NOTHING;
    unread.waiting -= piece.length;
    yield piece;
  }
}

const NOTHING = Buffer.alloc(0);
