/**
 * Makes answers in turns: small ones first, else in the order in which they become ready. They all share the
 * thread that serves every request, and one request to a service may complete the answers of 30 clients at
 * the same moment: 30 answers of 26 MB in one turn of the event loop took 15 s.
 *
 *   open       Answers continue at once. The turn's time is spent → others.
 *   others     Other work has its turn. Then: an answer waits → answering. None waits → open.
 *   answering  One waiting answer is copied, shaped and written. The turn's time is spent → others.
 *              Otherwise: another answer waits → answering. None waits → open.
 *
 * A great answer waits while small ones do, but never for more than GREAT_AFTER of them. After great answers,
 * as much time again belongs to other work. Small answers are other work: they waited 1.7 s behind three
 * answers of 19 MB.
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
/** So many small answers go before a great one that waits: about as long as a great one takes itself. */
const GREAT_AFTER = 100;
/** About how much is copied or written in a millisecond. */
const SIZE_PER_MS = 10_000;
/** This many bytes count as one member or element (shape-run.ts). */
const BYTES_PER_SIZE = 32;

type Waiting = Map<object, PromiseWithResolvers<void>>;

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
  readonly #small: Waiting = new Map();
  readonly #great: Waiting = new Map();
  /** The small answers that went before the great ones that wait. */
  #wentBefore = 0;
  /** The rests after great answers that are not over. No other great answer continues meanwhile. */
  #rests = 0;
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
   * @param isGreat whether so much was read that the answer may take long
   * @param bytes the length of the text that will be copied
   */
  turn(asker: object, isGreat = false, bytes = 0): Promise<void> | undefined {
    switch (this.#state.kind) {
      case "open":
        if (this.#isSpent() || (isGreat && this.#rests > 0)) return this.#wait(asker, isGreat);
        this.#begin();
        this.willWrite(bytes / BYTES_PER_SIZE);
        return undefined;
      case "answering":
        return this.#state.asker === asker ? undefined : this.#wait(asker, isGreat);
      case "others":
        return this.#wait(asker, isGreat);
      default:
        return this.#state satisfies never;
    }
  }

  /** @param size of an answer that was made and is still to be written, as shape-run.ts counts it */
  willWrite(size: number): void {
    this.#aheadMs += size / SIZE_PER_MS;
  }

  #wait(asker: object, isGreat: boolean): Promise<void> {
    const known = this.#small.get(asker) ?? this.#great.get(asker);
    if (known) return known.promise;
    const waiting = Promise.withResolvers<void>();
    (isGreat ? this.#great : this.#small).set(asker, waiting);
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
    const isLong = spent.ms >= spent.count * ANSWERING_MS && this.#small.size + this.#great.size > 0;
    if (isLong) void this.#restFromGreat(spent.ms);
    void this.#rest(0).then(() => this.#goOn());
  }

  async #restFromGreat(tookMs: number): Promise<void> {
    this.#rests++;
    await this.#rest(tookMs);
    this.#rests--;
    if (this.#state.kind === "open") this.#goOn();
  }

  #goOn(): void {
    const next = this.#next();
    if (!next) {
      this.#state = { kind: "open" };
      return;
    }
    const [asker, { resolve }] = next;
    this.#state = { kind: "answering", asker };
    resolve();
    this.#begin();
  }

  /** Takes the answer that continues next out of those that wait. */
  #next(): [object, PromiseWithResolvers<void>] | undefined {
    const [small] = this.#small;
    const [great] = this.#rests > 0 ? [] : this.#great;
    const isSmall = small && (!great || this.#wentBefore < GREAT_AFTER);
    this.#wentBefore = isSmall && this.#great.size > 0 ? this.#wentBefore + 1 : 0;
    const next = isSmall ? small : great;
    if (next) (isSmall ? this.#small : this.#great).delete(next[0]);
    return next;
  }
}

export const answering = new Answering(() => performance.now(), halfTheTime);
