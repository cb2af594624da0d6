/**
 * Ends a process in order: stop accepting, drain, close pools. Every step is awaited, every error reported.
 */
import type { Logger } from "./log.ts";

/** One step of closing. Steps run one after the other in the order given. */
export interface ShutdownStep {
  name: string;
  close: () => Promise<unknown>;
}

/** A process that has not ended by then is cut off. Container orchestrators commonly grant 10 s. */
const SHUTDOWN_LIMIT_MS = 10_000;

/**
 * Runs all steps even if one fails.
 * @throws AggregateError of the failures, if any
 */
export async function closeAll(steps: readonly ShutdownStep[]): Promise<void> {
  const errors: unknown[] = [];
  for (const step of steps) {
    try {
      await step.close();
    } catch (error) {
      errors.push(new Error(`closing ${step.name} failed`, { cause: error }));
    }
  }
  if (errors.length > 0) throw new AggregateError(errors, "shutdown was not clean");
}

/**
 * Ends the process on SIGINT or SIGTERM after running `close`. The exit code is 0 if that
 * succeeded. A process with an IPC channel also ends when its parent is gone, so that no service
 * outlives the cluster that started it.
 */
export function closeOnSignal(close: () => Promise<void>, log: Logger): void {
  let closing = false;
  const end = (reason: string) => {
    if (closing) return;
    closing = true;
    log.info({ reason }, "shutting down");
    const limit = setTimeout(() => {
      log.error("shutdown took too long; leaving");
      process.exit(1);
    }, SHUTDOWN_LIMIT_MS);
    limit.unref();
    close().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, "shutdown was not clean");
        process.exit(1);
      },
    );
  };
  process.on("SIGINT", () => end("SIGINT"));
  process.on("SIGTERM", () => end("SIGTERM"));
  if (process.send) {
    process.on("disconnect", () => end("the parent process is gone"));
    // The parent may have gone while the service was starting.
    if (!process.connected) end("the parent process is gone");
  }
}
