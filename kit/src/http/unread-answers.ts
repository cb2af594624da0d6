/**
 * Answers that clients have not taken yet. A great one is held once, as bytes in pieces, each written when
 * the one before has been taken; so it is known what a client has taken of it, and what was taken is let go.
 *
 * All of them together have a bound. Beyond it those are cut off that have taken nothing for the longest:
 * whoever reads, keeps reading.
 */
import type { Server } from "node:http";
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import type { FastifyInstance } from "fastify";

/** Smaller answers are written at once. Our own client's greatest have some 100,000. */
const GREAT_CHARACTERS = 256 * 1024;
const PIECE_CHARACTERS = 64 * 1024;
const CHECK_MS = 500;

export interface UnreadTerms {
  /** From when bytes of an answer are ready to when the client has taken them. */
  answerMs: number;
  /** Of all answers together. */
  unreadBytesMax: number;
  /** When the server closes: for how long a client may take nothing. */
  closingMs: number;
  onGivenUp: () => void;
}

/** What of an answer waits for its client. */
interface Unread {
  /** Bytes of a great answer that have not been handed to the socket. */
  waiting: number;
  /** How far the client had come when it was last seen to take something, and when that was. */
  taken: number;
  takenAtMs: number;
  /** What was ready at a time has to be taken before `answerMs` have gone by. */
  ready: number;
  readyAtMs: number;
}

export class UnreadAnswers {
  readonly #terms: UnreadTerms;
  readonly #open: ReadonlySet<Socket>;
  /** Of sockets that hold something; those that have held it for longest come first. */
  readonly #unread = new Map<Socket, Unread>();
  #isClosing = false;

  /** @param open the sockets on which answers may be under way */
  constructor(server: Server, open: ReadonlySet<Socket>, terms: UnreadTerms) {
    this.#open = open;
    this.#terms = terms;
    const periodMs = Math.min(CHECK_MS, terms.answerMs / 2, terms.closingMs / 2);
    const timer = setInterval(() => this.#check(), periodMs).unref();
    server.once("close", () => clearInterval(timer));
  }

  /** To be called before other hooks that look at answers are added: this one takes them apart. */
  keep(app: FastifyInstance): void {
    app.addHook("onSend", (request, reply, payload, done) => {
      if (typeof payload !== "string" || payload.length < GREAT_CHARACTERS) {
        done(null, payload);
        return;
      }
      const pieces = [...piecesOf(payload)];
      reply.header("content-length", String(bytesOf(pieces)));
      done(null, this.#hold(request.raw.socket, pieces));
    });
  }

  /** From now on whoever takes nothing is not waited for. */
  close(): void {
    const nowMs = performance.now();
    this.#isClosing = true;
    this.#look(nowMs);
    for (const unread of this.#unread.values()) unread.takenAtMs = nowMs;
  }

  /** Bytes that wait, of all answers. */
  get bytes(): number {
    let bytes = 0;
    for (const [socket, unread] of this.#unread) bytes += heldBy(socket, unread);
    return bytes;
  }

  #hold(socket: Socket, pieces: Buffer[]): Readable {
    const nowMs = performance.now();
    this.#look(nowMs);
    const unread = this.#unread.get(socket) ?? begun(socket, nowMs);
    this.#unread.set(socket, unread);
    unread.waiting = bytesOf(pieces);
    const stream = Readable.from(taken(pieces, unread), { objectMode: false });
    stream.once("close", () => {
      pieces.length = 0;
      unread.waiting = 0;
    });
    // Not this one: its client has had no time to read.
    this.#makeRoom(socket);
    return stream;
  }

  #check(): void {
    const nowMs = performance.now();
    this.#look(nowMs);
    for (const [socket, unread] of this.#unread) if (this.#isLate(unread, nowMs)) this.#giveUp(socket);
    this.#makeRoom();
  }

  #look(nowMs: number): void {
    for (const socket of this.#unread.keys()) if (!this.#open.has(socket)) this.#unread.delete(socket);
    for (const socket of this.#open) {
      const unread = this.#unread.get(socket) ?? begun(socket, nowMs);
      if (heldBy(socket, unread) === 0) {
        this.#unread.delete(socket);
        continue;
      }
      this.#unread.set(socket, unread);
      const takenNow = takenOf(socket);
      if (takenNow > unread.taken) Object.assign(unread, { taken: takenNow, takenAtMs: nowMs });
      if (takenNow < unread.ready) continue;
      Object.assign(unread, { ready: socket.bytesWritten + unread.waiting, readyAtMs: nowMs });
    }
  }

  #isLate({ readyAtMs, takenAtMs }: Unread, nowMs: number): boolean {
    const { answerMs, closingMs } = this.#terms;
    return nowMs - readyAtMs >= answerMs || (this.#isClosing && nowMs - takenAtMs >= closingMs);
  }

  #makeRoom(newest?: Socket): void {
    let beyond = this.bytes - this.#terms.unreadBytesMax;
    if (beyond <= 0) return;
    const stalled = [...this.#unread].sort(([, one], [, other]) => one.takenAtMs - other.takenAtMs);
    for (const [socket, unread] of stalled) {
      if (beyond <= 0) return;
      if (socket === newest) continue;
      beyond -= heldBy(socket, unread);
      this.#giveUp(socket);
    }
  }

  #giveUp(socket: Socket): void {
    this.#unread.delete(socket);
    this.#terms.onGivenUp();
    socket.destroy();
  }
}

function begun(socket: Socket, nowMs: number): Unread {
  return { waiting: 0, taken: takenOf(socket), takenAtMs: nowMs, ready: 0, readyAtMs: nowMs };
}

const takenOf = (socket: Socket) => socket.bytesWritten - socket.writableLength;
const heldBy = (socket: Socket, { waiting }: Unread) => socket.writableLength + waiting;
const bytesOf = (pieces: readonly Buffer[]) => pieces.reduce((sum, { length }) => sum + length, 0);

function* piecesOf(text: string): Generator<Buffer> {
  for (let at = 0; at < text.length; ) {
    const end = at + PIECE_CHARACTERS;
    // The two halves of a character beyond the first 65,536 stay together.
    const isSplit = (text.charCodeAt(end) & 0xfc00) === 0xdc00;
    const next = isSplit ? end + 1 : end;
    yield Buffer.from(text.slice(at, next));
    at = next;
  }
}

/** Each piece is let go when it is taken. */
function* taken(pieces: Buffer[], unread: Unread): Generator<Buffer> {
  for (const [at, piece] of pieces.entries()) {
    pieces[at] = NOTHING;
    unread.waiting -= piece.length;
    yield piece;
  }
}

const NOTHING = Buffer.alloc(0);
