/**
 * The positions of one primary: what is flushed, and up to where everything that was committed is visible.
 *
 * PostgreSQL flushes a commit and only then shows it to others. In between, a replica may show it already:
 * for microseconds, or for as long as a commit waits for its synchronous replica. So a position that is
 * flushed says nothing yet about what a read on the primary includes. It is *settled* when all transactions
 * that were under way after it have ended.
 */
import { comparePositions, type Position } from "./position.ts";
import { shareNext } from "./share-next.ts";

/** The answer of `wal_position()` (0-positions.sql). */
export interface WalPosition extends Position {
  /** The transactions under way after the position was read. */
  underWay: readonly string[];
}

export interface PrimaryMeans {
  readPosition: () => Promise<WalPosition>;
  /** A clock that only goes forward. */
  nowMs: () => number;
  delay: (ms: number) => Promise<unknown>;
}

/** A transaction that is under way for longer does not commit at this moment, or it waits for a replica. */
const COMMITTING_MAX_MS = 1_000;
const SETTLE_MAX_MS = 100;
const LOOK_AGAIN_MS = 5;

export class PrimaryPositions {
  /** The next position that is flushed, asked for after the call. Callers share one question. */
  readonly ask: () => Promise<Position>;
  readonly #means: PrimaryMeans;
  #settled: Position | undefined;
  #timeline: number | undefined;
  /** A position, and the transactions that could still be part of it. */
  #settling: { position: Position; underWay: readonly string[] } | undefined;
  /** When each transaction under way was first seen. */
  #seenAtMs = new Map<string, number>();

  constructor(means: PrimaryMeans) {
    this.#means = means;
    this.ask = shareNext(() => this.#read());
  }

  /** Of the last answer; undefined before the first. */
  get timeline(): number | undefined {
    return this.#timeline;
  }

  /** A read that begins now shows everything that was committed up to here; undefined if nothing is known. */
  get settled(): Position | undefined {
    return this.#settled;
  }

  /**
   * Whether a read that begins now shows everything up to a position. Waits for it, for a bounded time,
   * unless it is none of this primary.
   */
  async settle(wanted: Position): Promise<boolean> {
    const endMs = this.#means.nowMs() + SETTLE_MAX_MS;
    while (!this.#includes(wanted)) {
      const { timeline, lsn } = await this.ask();
      if (this.#includes(wanted)) return true;
      if (timeline !== wanted.timeline || lsn < wanted.lsn || this.#means.nowMs() >= endMs) return false;
      await this.#means.delay(LOOK_AGAIN_MS);
    }
    return true;
  }

  #includes(wanted: Position): boolean {
    return this.#settled !== undefined && comparePositions(this.#settled, wanted) >= 0;
  }

  async #read(): Promise<Position> {
    const { timeline, lsn, underWay } = await this.#means.readPosition();
    const position = { timeline, lsn };
    this.#timeline = timeline;
    const committing = this.#committing(underWay);
    const isStillUnderWay = (id: string) => committing.includes(id);
    if (committing.length === 0) {
      this.#settled = position;
      this.#settling = undefined;
    } else if (!this.#settling?.underWay.some(isStillUnderWay)) {
      this.#settled = this.#settling?.position ?? this.#settled;
      this.#settling = { position, underWay: committing };
    }
    return position;
  }

  /** Those that may be committing now. */
  #committing(underWay: readonly string[]): readonly string[] {
    const nowMs = this.#means.nowMs();
    this.#seenAtMs = new Map(underWay.map((id) => [id, this.#seenAtMs.get(id) ?? nowMs]));
    return underWay.filter((id) => nowMs - this.#seenAtMs.get(id)! < COMMITTING_MAX_MS);
  }
}
