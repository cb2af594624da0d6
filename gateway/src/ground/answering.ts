/**
 * Answers that are put together on the thread that answers everybody, in the order in which they are ready:
 * what was asked once for 30 clients comes to all of them at the same moment, and 30 answers of 26 MB in one
 * turn of the event loop took 15 s.
 *
 *   open ── the time is spent ──> others ── they had their turn ──> answering ── it is written ──> the next one
 *    ^                              ^─────────────────── the time is spent ──────────┤            that waits
 *    └──────────────────────────────────────────────────────────────── nobody waits ─┘
 *
 * Small ones are left together for longer: clients whose answers come apart ask apart, so 50 equal queries of
 * 0.7 ms that went out in two turns were asked of the services twice from then on.
 */
import { halfTheTime, type Rest } from "./turns.ts";

/** How long answers are put together in one turn. */
const ANSWERING_MS = 20;
/** The same, as long as they are small. */
const ANSWERING_SMALL_MS = 100;
/** A small one takes less on the average: one of 87 kB takes 0.4 to 0.8 ms. */
const SMALL_MS = 2;
/** How much is copied or written in a millisecond, about. */
const SIZE_PER_MS = 10_000;
/** So many bytes count as a member or an element does (shape-run.ts). */
const BYTES_PER_SIZE = 32;

type State =
  /** Whoever is ready goes on at once, until the turn's time is spent. */
  | { kind: "open" }
  /** The answer of one that has waited is copied, shaped and written before the next one goes on. */
  | { kind: "answering"; asker: object }
  | { kind: "others" };

export class Answering {
  readonly #nowMs: () => number;
  readonly #rest: Rest;
  /** In the order in which they came. One place for an asker: as many at most as requests are carried out. */
  readonly #waiting = new Map<object, PromiseWithResolvers<void>>();
  #state: State = { kind: "open" };
  /** What answers have taken in the present turn of the event loop, and how often one went on in it. */
  #spent: { ms: number; count: number } | undefined;
  /** Since when answers are put together without a pause; undefined if none is. */
  #sinceMs: number | undefined;
  /** What is known to be ahead of those who went on since then: it comes in later microtasks than the next one. */
  #aheadMs = 0;

  constructor(nowMs: () => number, rest: Rest) {
    this.#nowMs = nowMs;
    this.#rest = rest;
  }

  /**
   * To be waited for before an answer is put together, if there is something to wait for.
   * @param asker the same for all of one answer
   * @param bytes how long the text is of what will be copied
   */
  turn(asker: object, bytes = 0): Promise<void> | undefined {
    switch (this.#state.kind) {
      case "open":
        if (this.#isSpent()) return this.#wait(asker);
        this.#begin();
        this.willWrite(bytes / BYTES_PER_SIZE);
        return undefined;
      case "answering":
        return this.#state.asker === asker ? undefined : this.#wait(asker);
      case "others":
        return this.#wait(asker);
      default:
        return this.#state satisfies never;
    }
  }

  /** @param size of what was put together and is yet to be written, as an answer's is counted (shape-run.ts) */
  willWrite(size: number): void {
    this.#aheadMs += size / SIZE_PER_MS;
  }

  #wait(asker: object): Promise<void> {
    const waiting = this.#waiting.get(asker) ?? Promise.withResolvers<void>();
    this.#waiting.set(asker, waiting);
    return waiting.promise;
  }

  #isSpent(): boolean {
    if (this.#spent === undefined) return false;
    const { count } = this.#spent;
    const sinceMs = this.#sinceMs;
    const ms = this.#spent.ms + (sinceMs === undefined ? 0 : this.#nowMs() - sinceMs + this.#aheadMs);
    return ms >= (ms < count * SMALL_MS ? ANSWERING_SMALL_MS : ANSWERING_MS);
  }

  #begin(): void {
    if (this.#spent === undefined) {
      this.#spent = { ms: 0, count: 0 };
      setImmediate(() => {
        this.#spent = undefined;
      });
    }
    this.#spent.count++;
    if (this.#sinceMs !== undefined) return;
    this.#sinceMs = this.#nowMs();
    // What answers go through are microtasks. A tick that is asked for by one of them comes when none is left.
    queueMicrotask(() => process.nextTick(() => this.#end()));
  }

  #end(): void {
    const tookMs = this.#nowMs() - this.#sinceMs!;
    this.#sinceMs = undefined;
    this.#aheadMs = 0;
    // Microtasks and ticks come before the next turn of the event loop.
    const spent = this.#spent!;
    spent.ms += tookMs;
    if (!this.#isSpent()) {
      this.#goOn();
      return;
    }
    this.#state = { kind: "others" };
    const isLong = spent.ms >= spent.count * ANSWERING_MS && this.#waiting.size > 0;
    void this.#rest(isLong ? spent.ms : 0).then(() => this.#goOn());
  }

  #goOn(): void {
    const [next] = this.#waiting;
    if (!next) {
      this.#state = { kind: "open" };
      return;
    }
    const [asker, { resolve }] = next;
    this.#waiting.delete(asker);
    this.#state = { kind: "answering", asker };
    resolve();
    this.#begin();
  }
}

export const answering = new Answering(() => performance.now(), halfTheTime);
