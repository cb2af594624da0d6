/**
 * Keeps one process running.
 *
 * | state       | entered when                          | left for                                |
 * | ----------- | ------------------------------------- | --------------------------------------- |
 * | starting    | start(), or the wait is over          | ready; backing-off (not ready); stopped |
 * | ready       | it does its work                      | backing-off (it has ended); stopping    |
 * | backing-off | it ended or failed, after being ready | starting; stopped                       |
 * | stopping    | stop() while ready                    | stopped                                 |
 * | stopped     | at first, and for good after stop()   | starting, once                          |
 *
 * A failed first start is not repeated: `start()` throws its cause, which the operator must mend. A
 * supervisor that insists repeats it like any other.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "@teranga/kit/process/log.ts";
import { backoffMs, type Clock } from "@teranga/kit/process/retry.ts";

/** A process that is ready. */
export interface LaunchedProcess {
  pid: number;
  /** Resolves when it has ended, for whatever reason. Never rejects. */
  exited: Promise<ProcessExit>;
  /** Ends the process in order and in bounded time. Resolves when it has ended. */
  stop(): Promise<void>;
}

export interface ProcessExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export type ProcessState =
  | { phase: "starting"; attempt: number }
  | { phase: "ready"; process: LaunchedProcess }
  | { phase: "backing-off"; attempt: number; delayMs: number }
  | { phase: "stopping"; process: LaunchedProcess }
  | { phase: "stopped" };

export interface SupervisorOptions {
  name: string;
  /**
   * Starts the process and resolves when it is ready. Must leave nothing running if it rejects or is aborted.
   */
  launch: (signal: AbortSignal) => Promise<LaunchedProcess>;
  /** Called after each change of state. */
  onChange: (state: ProcessState) => void;
  log: Logger;
  clock: Clock;
  /** Whether a failed first start is repeated; then `start()` resolves after the first try. */
  insists?: boolean;
  /** The waits between a crash and the next try. */
  backoff?: { firstMs: number; maxMs: number };
}

const BACKOFF = { firstMs: 250, maxMs: 10_000 };
/**
 * After a run of this length a crash is no crash at the start: the backoff begins again at its first wait.
 */
const STEADY_MS = 30_000;

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #abort = new AbortController();
  #state: ProcessState = { phase: "stopped" };
  #finished: Promise<void> = Promise.resolve();

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  get state(): ProcessState {
    return this.#state;
  }

  /**
   * Resolves when the process is ready for the first time.
   * @throws the error of the launch; the state is then stopped
   */
  async start(): Promise<void> {
    this.#enter({ phase: "starting", attempt: 0 });
    const { launch, insists } = this.#options;
    const first = launch(this.#abort.signal);
    const launching = insists ? first.catch((error: Error) => this.#sayFailed(error)) : first;
    this.#finished = launching.then(
      (first) => this.#keepRunning(first),
      () => this.#enter({ phase: "stopped" }),
    );
    await launching;
  }

  /** Ends the process and its supervision. Can be called at any time, and again. */
  async stop(): Promise<void> {
    this.#abort.abort();
    const state = this.#state;
    switch (state.phase) {
      case "ready":
        await this.#end(state.process);
        break;
      case "starting":
      case "backing-off":
      case "stopping":
      case "stopped":
        break;
      default:
        state satisfies never;
    }
    await this.#finished;
  }

  async #keepRunning(first: LaunchedProcess | undefined): Promise<void> {
    if (first) await this.#watch(first);
    let attempt = 0;
    while (!this.#abort.signal.aborted) {
      await this.#backOff(attempt);
      if (this.#abort.signal.aborted) break;
      this.#enter({ phase: "starting", attempt });
      attempt += 1;
      const launched = await this.#relaunch();
      if (launched && (await this.#watch(launched))) attempt = 0;
    }
    this.#enter({ phase: "stopped" });
  }

  /** Waits from ready to the end of the process. Returns whether it ran for STEADY_MS. */
  async #watch(launched: LaunchedProcess): Promise<boolean> {
    const { name, log, clock } = this.#options;
    const sinceMs = clock.nowMs();
    this.#enter({ phase: "ready", process: launched });
    // stop() may have come between the launch and now.
    if (this.#abort.signal.aborted) await this.#end(launched);
    const exit = await launched.exited;
    if (!this.#abort.signal.aborted) log.warn(`${name} ended by itself (${describeExit(exit)})`);
    return clock.nowMs() - sinceMs >= STEADY_MS;
  }

  async #backOff(attempt: number): Promise<void> {
    const { name, log, clock, backoff = BACKOFF } = this.#options;
    const delayMs = backoffMs(attempt, backoff, clock);
    this.#enter({ phase: "backing-off", attempt, delayMs });
    log.warn(`${name} is started again in ${delayMs} ms`);
    await sleep(delayMs, undefined, { signal: this.#abort.signal }).catch(() => undefined);
  }

  /** Launches the process again; undefined if it did not come up. */
  async #relaunch(): Promise<LaunchedProcess | undefined> {
    const { name, launch, log } = this.#options;
    try {
      const launched = await launch(this.#abort.signal);
      log.info(`${name} is ready again (pid ${launched.pid})`);
      return launched;
    } catch (error) {
      return this.#sayFailed(error as Error);
    }
  }

  #sayFailed({ message }: Error): undefined {
    const { name, log } = this.#options;
    if (!this.#abort.signal.aborted) log.warn(`${name} did not start: ${message}`);
    return undefined;
  }

  async #end(launched: LaunchedProcess): Promise<void> {
    this.#enter({ phase: "stopping", process: launched });
    await launched.stop();
  }

  #enter(state: ProcessState): void {
    this.#state = state;
    this.#options.onChange(state);
  }
}

function describeExit({ code, signal }: ProcessExit): string {
  return signal ? `signal ${signal}` : `exit code ${code}`;
}
