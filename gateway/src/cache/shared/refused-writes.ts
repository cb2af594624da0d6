/** Whether Redis takes entries. One that is full, or whose disk is, still answers what it has. */
import type { Logger } from "@teranga/kit/process/log.ts";

/** So long it is sent none, then the next one tries. */
const PAUSE_MS = 1_000;

export class RefusedWrites {
  readonly #log: Logger;
  readonly #nowMs: () => number;
  #refusal: { reason: string; pausedUntilMs: number } | undefined;

  /** @param nowMs monotonic */
  constructor(log: Logger, nowMs: () => number = () => performance.now()) {
    this.#log = log;
    this.#nowMs = nowMs;
  }

  arePaused(): boolean {
    return this.#refusal !== undefined && this.#nowMs() < this.#refusal.pausedUntilMs;
  }

  refused(reason: string): void {
    if (!this.#refusal) this.#log.warn({ reason }, "Redis takes no entries of the cache");
    this.#refusal = { reason, pausedUntilMs: this.#nowMs() + PAUSE_MS };
  }

  taken(): void {
    if (this.#refusal) this.#log.info("Redis takes entries of the cache again");
    this.#refusal = undefined;
  }

  /** For the gateway's health: empty if all is well. */
  notes(): string[] {
    return this.#refusal ? [`Redis takes no entries of the cache: ${this.#refusal.reason}`] : [];
  }
}
