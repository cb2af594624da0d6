/**
 * Virtual time: a queue of events, run one after the other.
 *
 * Whatever a simulated process awaits (an answer, a timer, its database) is brought to it by an event of this
 * queue. After each event the process code that it woke runs until all of it waits again, and only then comes
 * the next event. So nothing ever runs side by side, and a run follows from its seed alone.
 */
import type { History } from "./history.ts";

export interface Timer {
  cancel(): void;
}

interface Event extends Timer {
  atMs: number;
  /** Orders events of the same time: first come, first served. */
  number: number;
  run: (() => unknown) | null;
}

/** Any time will do, but it must be the same each time. */
export const START_MS = Date.UTC(2026, 0, 1);
/** A run takes about 2,000 events, a crowd 20,000; one that takes so many is a loop. */
const EVENTS_MAX = 300_000;

export class World {
  /** True time; the processes' clocks may differ from it. Milliseconds since 1970. */
  nowMs = START_MS;
  readonly history: History;
  /** How often what happened (sometimes.ts). */
  readonly reached: Record<string, number> = {};
  #events = 0;
  #failure: unknown = null;
  readonly #queue: Event[] = [];

  constructor(history: History) {
    this.history = history;
  }

  get elapsedMs(): number {
    return this.nowMs - START_MS;
  }

  /** Runs `run` as an event of its own, so many milliseconds from now. */
  schedule(delayMs: number, run: () => unknown): Timer {
    const event: Event = {
      atMs: this.nowMs + Math.max(0, delayMs),
      number: this.#events++,
      run,
      cancel() {
        event.run = null;
      },
    };
    insert(this.#queue, event);
    return event;
  }

  /**
   * A promise that an event fulfils. Only what is no process may wait so: processes wait through their life.
   */
  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.schedule(delayMs, resolve));
  }

  /** Ends the run after the event under way. The first failure counts. */
  fail(failure: unknown): void {
    this.#failure ??= failure;
  }

  /**
   * Runs events until the condition holds or it is too late. Returns whether it held in time.
   * @throws what the run has failed on
   */
  async runUntil(condition: () => boolean, withinMs: number): Promise<boolean> {
    const endMs = this.nowMs + withinMs;
    while (!condition()) {
      const event = this.#queue[0];
      if (!event || event.atMs > endMs) return false;
      if (this.#events > EVENTS_MAX) throw new Error(`the run does not end within ${EVENTS_MAX} events`);
      removeFirst(this.#queue);
      if (event.run === null) continue;
      this.nowMs = event.atMs;
      await event.run();
      await untilQuiet();
      if (this.#failure) throw this.#failure;
    }
    return true;
  }

  /** Counts that something has happened which must happen now and then. */
  reach(name: string, times = 1): void {
    this.reached[name] = (this.reached[name] ?? 0) + times;
  }

  note(who: string, what: string): void {
    this.history.note(this.elapsedMs, who, what);
  }
}

/**
 * Resolves when no process code can run any more without a further event. Promises and process.nextTick,
 * which DataLoader waits by, all run before the immediates of a turn; nothing simulated uses real timers or
 * real input and output.
 */
function untilQuiet(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.number < b.number);
}

/** Adds to a binary heap. */
function insert(heap: Event[], event: Event): void {
  let index = heap.push(event) - 1;
  while (index > 0) {
    const parent = (index - 1) >> 1;
    if (!isBefore(event, heap[parent]!)) break;
    heap[index] = heap[parent]!;
    index = parent;
  }
  heap[index] = event;
}

/** Removes the first event of a binary heap. */
function removeFirst(heap: Event[]): void {
  const last = heap.pop()!;
  if (heap.length === 0) return;
  let index = 0;
  for (;;) {
    let child = 2 * index + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
    if (!isBefore(heap[child]!, last)) break;
    heap[index] = heap[child]!;
    index = child;
  }
  heap[index] = last;
}
