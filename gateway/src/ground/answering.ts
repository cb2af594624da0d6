/**
 * Answers that are put together on the thread that answers everybody, one at a time and in the order in which
 * they are ready: what was asked once for 30 clients comes to all of them at the same moment, and 30 answers of
 * 26 MB in one turn of the event loop took 15 s.
 *
 *   free ── an answer is ready ──> answering ── it is written ──> the next one that waits, or free
 *                                             └─ 20 ms are spent ──> others, until the next turn
 */
import { halfTheTime, type Rest } from "./turns.ts";

/** How long answers are put together in one turn: some 60 of the usual ones. */
const ANSWERING_MS = 20;

type State =
  | { kind: "free" }
  /** One asker's answer is copied, shaped and written, all of it before anything else comes to its turn. */
  | { kind: "answering"; asker: object }
  | { kind: "others" };

export class Answering {
  readonly #nowMs: () => number;
  readonly #rest: Rest;
  /** In the order in which they came. One place for an asker: as many at most as requests are carried out. */
  readonly #waiting = new Map<object, PromiseWithResolvers<void>>();
  #state: State = { kind: "free" };
  /** What answers have taken in the present turn; undefined before the first. */
  #spentMs: number | undefined;

  constructor(nowMs: () => number, rest: Rest) {
    this.#nowMs = nowMs;
    this.#rest = rest;
  }

  /**
   * To be waited for before an answer is put together, if there is something to wait for.
   * @param asker the same for all of one answer
   */
  turn(asker: object): Promise<void> | undefined {
    switch (this.#state.kind) {
      case "free":
        this.#begin(asker);
        return undefined;
      case "answering":
        return this.#state.asker === asker ? undefined : this.#wait(asker);
      case "others":
        return this.#wait(asker);
      default:
        return this.#state satisfies never;
    }
  }

  #wait(asker: object): Promise<void> {
    const waiting = this.#waiting.get(asker) ?? Promise.withResolvers<void>();
    this.#waiting.set(asker, waiting);
    return waiting.promise;
  }

  #begin(asker: object): void {
    if (this.#spentMs === undefined) {
      this.#spentMs = 0;
      setImmediate(() => {
        this.#spentMs = undefined;
      });
    }
    this.#state = { kind: "answering", asker };
    const sinceMs = this.#nowMs();
    // What the answer goes through are microtasks. A tick that is asked for by one of them comes when none is left.
    queueMicrotask(() => process.nextTick(() => this.#end(this.#nowMs() - sinceMs)));
  }

  #end(tookMs: number): void {
    this.#spentMs = (this.#spentMs ?? 0) + tookMs;
    if (this.#spentMs < ANSWERING_MS) {
      this.#goOn();
      return;
    }
    this.#state = { kind: "others" };
    const isLong = tookMs >= ANSWERING_MS && this.#waiting.size > 0;
    void this.#rest(isLong ? tookMs : 0).then(() => this.#goOn());
  }

  #goOn(): void {
    const [next] = this.#waiting;
    if (!next) {
      this.#state = { kind: "free" };
      return;
    }
    const [asker, { resolve }] = next;
    this.#waiting.delete(asker);
    resolve();
    this.#begin(asker);
  }
}

export const answering = new Answering(() => performance.now(), halfTheTime);
