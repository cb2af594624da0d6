/** Time that passes only when a test says so. */
import type { Clock } from "@teranga/kit/process/retry.ts";

export class ControlledTime {
  nowMs = 0;
  readonly clock: Clock = { nowMs: () => this.nowMs, random: () => 0 };
  #timers: { atMs: number; end: () => void }[] = [];

  /** Timers that are still running. */
  get timers(): number {
    return this.#timers.length;
  }

  readonly delay = (ms: number): Promise<void> =>
    new Promise((end) => {
      this.#timers.push({ atMs: this.nowMs + ms, end });
    });

  /** Lets time pass. Timers end in their order, each after everything before it has come to rest. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms;
    await atRest();
    for (;;) {
      const next = this.#timers.toSorted((a, b) => a.atMs - b.atMs)[0];
      if (!next || next.atMs > untilMs) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.nowMs = next.atMs;
      next.end();
      await atRest();
    }
    this.nowMs = untilMs;
  }
}

/** Resolves when no promise can make progress any more. */
export function atRest(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
