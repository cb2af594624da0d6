/**
 * Room for what services answer, from when it is read to when a client's answer has been made of it. Small
 * requests need none. One that has read more than 256 kB is great: it takes room for all that it reads, and
 * where there is none its reading stands still, up to the service, which makes no more of it either.
 *
 *   small ── more than 256 kB are read ──> making ── the answer is made, or the client gone ──> over
 *                                            └─ no room for 2 s ──> refused: OVERLOADED
 *
 * The oldest that is making goes on whatever the others hold, so that one always comes to its end; all
 * together then hold twice `bytesMax` at most. A mutation counts, but never waits: it has been carried out.
 */
import type { ServerResponse } from "node:http";
import { type Reader, TransportError } from "@teranga/kit/http/transport.ts";

/** What services have answered to one request, if it is small; our own client's greatest need 100 kB. */
const SMALL_BYTES = 256 * 1024;
const WAITING_MS = 2_000;
/** Of 64 connections to an endpoint (kit/src/http/transport.ts) others need some, too. */
const WAITING_MAX = 32;

const NO_ROOM = new TransportError("unknown", "had answered more than there was room for", {
  fault: "not-theirs",
  said: "there is no room for its answer at the moment",
});
const TOO_LARGE = new TransportError("unknown", "answered more than one request may read", {
  fault: "not-theirs",
  said: "its answer is too large",
});

/** Two of the greatest answers there are (shape-run.ts). In memory it is four to eight times as much. */
export const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

export interface RoomTerms {
  /** Of all requests that are great; also of one alone. */
  bytesMax?: number | undefined;
  /** Runs something after so many milliseconds; what it gives back calls that off. In real time by default. */
  startTimer?: (ms: number, run: () => void) => () => void;
}

export class AnswerRoom {
  readonly #bytesMax: number;
  readonly #startTimer: NonNullable<RoomTerms["startTimer"]>;
  /** Great requests that are making, those that wait among them; the oldest first. */
  readonly #making = new Set<Holding>();
  #bytes = 0;
  #waiting = 0;

  constructor({ bytesMax = ANSWER_BYTES_MAX, startTimer = startRealTimer }: RoomTerms) {
    this.#bytesMax = bytesMax;
    this.#startTimer = startTimer;
  }

  /** What great requests hold at the moment. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What one request holds. Its `end` has to be called. */
  begin(): Holding {
    return new Holding(this);
  }

  /** For a holding only. */
  take(holding: Holding, bytes: number): Promise<void> | undefined {
    this.#making.add(holding);
    if (holding.mustAnswer || this.#isRoomFor(holding, bytes)) {
      this.#grant(holding, bytes);
      return undefined;
    }
    if (holding.bytes > this.#bytesMax) return Promise.reject(TOO_LARGE);
    if (this.#waiting >= WAITING_MAX) return Promise.reject(holding.refuse(NO_ROOM));
    return this.#wait(holding, bytes);
  }

  /** For a holding only: it makes nothing any more, and may still hold. */
  leave(holding: Holding): void {
    this.#making.delete(holding);
    this.#goOn();
  }

  /** For a holding only. */
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

/** What a request holds until it has been answered, or its client is gone. */
export function holdingOf(response: ServerResponse, room: AnswerRoom): Holding {
  const holding = room.begin();
  response.once("close", () => holding.end());
  return holding;
}

/** A fetch of a request whose reading stands still. */
interface Waiting {
  bytes: number;
  grant(): void;
  refuse(): void;
}

/** What is read for one request. */
export class Holding implements Reader {
  /** What has been read, or waits to be. */
  bytes = 0;
  /** How much of it the room counts. */
  counted = 0;
  /** Whether there was no room for it: then it is answered with OVERLOADED. */
  isRefused = false;
  /** A mutation: what it has done must be told. */
  mustAnswer = false;
  readonly waiting = new Set<Waiting>();
  readonly #room: AnswerRoom;
  /** What room was asked for. */
  #asked = 0;
  #isOver = false;
  /** Others that are yet to make a copy of what it has read. */
  #kept = 0;

  constructor(room: AnswerRoom) {
    this.#room = room;
  }

  get isGreat(): boolean {
    return this.bytes > SMALL_BYTES;
  }

  /**
   * Takes room for bytes that are read; undefined if there is some.
   * @throws TransportError, later, if there will be none
   */
  read(bytes: number): Promise<void> | undefined {
    this.bytes += bytes;
    if (!this.isGreat) return undefined;
    if (this.isRefused || this.#isOver) return Promise.reject(NO_ROOM);
    const more = this.bytes - this.#asked;
    this.#asked = this.bytes;
    return this.#room.take(this, more);
  }

  refuse(why: TransportError): TransportError {
    this.isRefused = true;
    for (const { refuse } of this.waiting) refuse();
    return why;
  }

  /** The answer has been made, or nobody waits for it. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (!this.isGreat) return;
    for (const { refuse } of this.waiting) refuse();
    if (this.#kept === 0) this.#giveAll();
    this.#room.leave(this);
  }

  /** Another request is to make a copy of what this one has read; `letGo` when it has, or will not. */
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

const startRealTimer = (ms: number, run: () => void) => {
  const timer = setTimeout(run, ms).unref();
  return () => clearTimeout(timer);
};
