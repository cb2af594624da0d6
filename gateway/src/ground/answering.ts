/**
 * Makes answers in turns, in the order in which they become ready. They all share the thread that serves
 * every request, and one request to a service may complete the answers of 30 clients at the same moment: 30
 * answers of 26 MB in one turn of the event loop took 15 s.
 *
 *   open       Answers continue at once. The turn's time is spent → others.
 *   others     Other work has its turn. Then: an answer waits → answering. None waits → open.
 *   answering  One waiting answer is copied, shaped and written. The turn's time is spent → others.
 *              Otherwise: another answer waits → answering. None waits → open.
 *
 * Small answers stay together for longer. Clients whose answers come apart ask again apart: 50 equal queries
 * of 0.7 ms that were answered in two turns led to two requests to the services from then on.
 */
import { halfTheTime, type Rest } from "./turns.ts";

/** How long answers are made in one turn of the event loop. */
const ANSWERING_MS = 20;
/** The same, while the answers are small. */
const ANSWERING_SMALL_MS = 100;
/** A small answer takes less than this on average: one of 87 kB takes 0.4 to 0.8 ms. */
const SMALL_MS = 2;
/** About how much is copied or written in a millisecond. */
const SIZE_PER_MS = 10_000;
/** This many bytes count as one member or element (shape-run.ts). */
const BYTES_PER_SIZE = 32;

type State =
  /** A ready answer continues at once, until the turn's time is spent. */
  | { kind: "open" }
  /** An answer that waited is copied, shaped and written before the next one continues. */
  | { kind: "answering"; asker: object }
  | { kind: "others" };

export class Answering {
  readonly #nowMs: () => number;
  readonly #rest: Rest;
  /** In order of arrival, one entry an asker. So there are at most as many as running requests. */
  readonly #waiting = new Map<object, PromiseWithResolvers<void>>();
  #state: State = { kind: "open" };
  /** The time that answers took in this turn of the event loop, and how many continued in it. */
  #spent: { ms: number; count: number } | undefined;
  /** When the current run of answers without a pause began; undefined if there is none. */
  #sinceMs: number | undefined;
  /**
   * The known work of the answers that continued since then. They do it in later microtasks, after the next
   * answer asks for its turn.
   */
  #aheadMs = 0;

  constructor(nowMs: () => number, rest: Rest) {
    this.#nowMs = nowMs;
    this.#rest = rest;
  }

  /**
   * Must be awaited before an answer is made, if it returns a promise.
   * @param asker the same object for all parts of one answer
   * @param bytes the length of the text that will be copied
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

  /** @param size of an answer that was made and is still to be written, as shape-run.ts counts it */
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
    // Answers continue in microtasks. `nextTick`, called from a microtask, runs after all of them.
    queueMicrotask(() => process.nextTick(() => this.#end()));
  }

  #end(): void {
    const tookMs = this.#nowMs() - this.#sinceMs!;
    this.#sinceMs = undefined;
    this.#aheadMs = 0;
    // Microtasks and ticks run before the next turn of the event loop.
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
