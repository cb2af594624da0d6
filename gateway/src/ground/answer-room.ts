/**
 * Room for the answers of services, from reading them to finishing the client's answer. Small requests need
 * none. A request that has read more than 256 kB is great: it takes room for everything that it reads.
 * Without room its reading stops, and back-pressure stops the service from producing more.
 *
 *   small ─ more than 256 kB are read ─> making ─ the answer is made, or the client gone ─> over
 *                                          └─ no room for 2 s ─> refused: OVERLOADED
 *
 * The oldest request that is making continues whatever the others hold, so one always finishes. All together
 * therefore hold at most twice `bytesMax`. A mutation counts but never waits, because it has been carried
 * out.
 */
import type { ServerResponse } from "node:http";
import { type Reader, TransportError } from "@teranga/kit/http/transport.ts";
import { type StartTimer, startRealTimer } from "@teranga/kit/process/timer.ts";

/** The most that one small request may read. Our own client's largest requests need 100 kB. */
const SMALL_BYTES = 256 * 1024;
const WAITING_MS = 2_000;
/** An endpoint has 64 connections (kit/src/http/transport.ts), and other requests need some of them. */
const WAITING_MAX = 32;

const NO_ROOM = new TransportError("unknown", "had answered more than there was room for", {
  fault: "no-room",
  said: "there is no room for its answer at the moment",
});
const TOO_LARGE = new TransportError("unknown", "answered more than one request may read", {
  fault: "no-room",
  said: "its answer is too large",
});

/** Twice the largest possible answer (shape-run.ts). In memory it takes four to eight times as much. */
export const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

export interface RoomTerms {
  /** The bytes of all great requests together, and also of a single one. */
  bytesMax?: number | undefined;
  /** Real time by default. */
  startTimer?: StartTimer;
}

export class AnswerRoom {
  readonly #bytesMax: number;
  readonly #startTimer: StartTimer;
  /** The great requests that are making, those that wait among them, the oldest first. */
  readonly #making = new Set<Holding>();
  #bytes = 0;
  #waiting = 0;

  constructor({ bytesMax = ANSWER_BYTES_MAX, startTimer = startRealTimer }: RoomTerms) {
    this.#bytesMax = bytesMax;
    this.#startTimer = startTimer;
  }

  /** The bytes that great requests hold now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The holding of one request. Its `end` must be called. */
  begin(): Holding {
    return new Holding(this);
  }

  /** Only for a holding. */
  take(holding: Holding, bytes: number, mayWait: boolean): Promise<void> | undefined {
    this.#making.add(holding);
    if (holding.mustAnswer || this.#isRoomFor(holding, bytes)) {
      this.#grant(holding, bytes);
      return undefined;
    }
    if (holding.bytes > this.#bytesMax) return Promise.reject(TOO_LARGE);
    if (!mayWait || this.#waiting >= WAITING_MAX) return Promise.reject(holding.refuse(NO_ROOM));
    return this.#wait(holding, bytes);
  }

  /** Only for a holding that makes no answer any more. It may still hold bytes. */
  leave(holding: Holding): void {
    if (this.#making.delete(holding)) this.#goOn();
  }

  /** Only for a holding. */
  give(bytes: number): void {
    this.#bytes -= bytes;
    this.#goOn();
  }

  #isRoomFor(holding: Holding, bytes: number): boolean {
    const isOldest = this.#making.values().next().value === holding;
    return isOldest ? holding.bytes <= this.#bytesMax : this.#bytes + bytes <= this.#bytesMax;
  }

  #grant(holding: Holding, bytes: number): void {
    holding.counted += bytes;
    this.#bytes += bytes;
  }

  #wait(holding: Holding, bytes: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const settle = (run: () => void) => {
      this.#waiting--;
      cancel();
      holding.waiting.delete(waiting);
      run();
    };
    const waiting: Waiting = {
      bytes,
      grant: () =>
        settle(() => {
          this.#grant(holding, bytes);
          resolve();
        }),
      refuse: () => settle(() => reject(NO_ROOM)),
    };
    const cancel = this.#startTimer(WAITING_MS, () => holding.refuse(NO_ROOM));
    this.#waiting++;
    holding.waiting.add(waiting);
    return promise;
  }

  #goOn(): void {
    for (const holding of this.#making) {
      for (const waiting of holding.waiting) {
        if (this.#isRoomFor(holding, waiting.bytes)) waiting.grant();
      }
    }
  }
}

/** The holding of a request, until it has been answered or its client has gone. */
export function holdingOf(response: ServerResponse, room: AnswerRoom): Holding {
  const holding = room.begin();
  response.once("close", () => holding.end());
  return holding;
}

/** A fetch whose reading stands still until there is room. */
interface Waiting {
  bytes: number;
  grant(): void;
  refuse(): void;
}

/** The bytes that are read for one request. */
export class Holding implements Reader {
  /** The bytes that were read or wait to be read. */
  bytes = 0;
  /** The part of `bytes` that the room counts. */
  counted = 0;
  /** There was no room for it, so it is answered with OVERLOADED. */
  isRefused = false;
  /** A mutation: its client must be told what it has done. */
  mustAnswer = false;
  readonly waiting = new Set<Waiting>();
  readonly #room: AnswerRoom;
  /** The room that was asked for, in bytes. */
  #asked = 0;
  #isOver = false;
  /** How many readings that others share have yet to be copied (shared-reading.ts). */
  #kept = 0;

  constructor(room: AnswerRoom) {
    this.#room = room;
  }

  get isGreat(): boolean {
    return this.bytes > SMALL_BYTES;
  }

  /** See `end`. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * Takes room for bytes that are read. Returns undefined if there is room, else a promise to wait for.
   * @param mayWait false if the request is refused when there is no room at once
   * @throws TransportError by the promise, if there will be no room
   */
  read(bytes: number, mayWait = true): Promise<void> | undefined {
    this.bytes += bytes;
    if (!this.isGreat) return undefined;
    if (this.isRefused || this.#isOver) return Promise.reject(NO_ROOM);
    const more = this.bytes - this.#asked;
    this.#asked = this.bytes;
    return this.#room.take(this, more, mayWait);
  }

  /** Another request pays for what this one has read, and will ask for room that this one was refused. */
  handOver(to: Holding, { read, refused }: { read: number; refused: number }): void {
    const counted = Math.min(this.counted, read);
    this.bytes -= read + refused;
    this.#asked = Math.min(this.#asked, this.bytes);
    this.counted -= counted;
    to.bytes += read;
    to.#asked += counted;
    to.counted += counted;
  }

  /** The request's time was over while it waited for us. A mutation's client must learn what is known. */
  giveUp(): void {
    if (!this.mustAnswer) this.refuse(NO_ROOM);
  }

  refuse(why: TransportError): TransportError {
    this.isRefused = true;
    for (const { refuse } of this.waiting) refuse();
    return why;
  }

  /** The answer has been made, or no client waits for it any more. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const { refuse } of this.waiting) refuse();
    if (this.#kept === 0) this.#giveAll();
    this.#room.leave(this);
  }

  /** Others are going to copy what this one has read. `letGo` must be called afterwards, copied or not. */
  keep(): void {
    this.#kept++;
  }

  letGo(): void {
    this.#kept--;
    if (this.#kept === 0 && this.#isOver) this.#giveAll();
  }

  #giveAll(): void {
    if (this.counted > 0) this.#room.give(this.counted);
    this.counted = 0;
  }
}
