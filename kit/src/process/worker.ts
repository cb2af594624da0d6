/**
 * A loop that repeats one bounded step of work: recovery, polling.
 *
 * States: idle (waits for its interval or a wake-up) → stepping → idle. stop() from either state →
 * stopped, after the current step. If a step throws, the error is logged and the loop goes on: a recovery
 * worker must never give up.
 */
import type { Logger } from "./log.ts";

export interface Worker {
  /** Runs the next step now instead of at the interval's end. Many calls at once cause one step. */
  wake(): void;
  /** Ends the loop; resolves when no step is running. */
  stop(): Promise<void>;
}

/** A wait that can be ended early. */
export interface Wait {
  over: Promise<void>;
  end(): void;
}

/**
 * Begins a wait of so many milliseconds. Passed in, so that a simulation can drive the same
 * workers that run in production.
 */
export type StartWait = (ms: number) => Wait;

export interface WorkerOptions {
  name: string;
  /** The longest wait between two steps. */
  intervalMs: number;
  /** One bounded piece of work. Returns true if more work is waiting; then it is called again at once. */
  step: () => Promise<boolean>;
  log: Logger;
  startWait?: StartWait | undefined;
}

const startRealWait: StartWait = (ms) => {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const end = () => {
    clearTimeout(timer);
    resolve();
  };
  return { over, end };
};

export function startWorker(options: WorkerOptions): Worker {
  const { name, intervalMs, step, log, startWait = startRealWait } = options;
  let stopped = false;
  let woken = false;
  let endWait: (() => void) | undefined;

  const wait = () => {
    const { over, end } = startWait(intervalMs);
    endWait = end;
    return over;
  };

  const loop = async () => {
    while (!stopped) {
      woken = false;
      let more = false;
      try {
        more = await step();
      } catch (error) {
        log.error({ err: error, worker: name }, "a worker's step failed; it will be tried again");
      }
      if (!stopped && !more && !woken) await wait();
    }
  };
  const done = loop();

  return {
    wake() {
      woken = true;
      endWait?.();
    },
    async stop() {
      stopped = true;
      endWait?.();
      await done;
    },
  };
}
