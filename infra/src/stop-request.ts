/** The request that ends a long-running program: a signal, or an error that it did not catch. */
import type { Clock } from "@teranga/kit/process/retry.ts";

export interface StopRequest {
  /** Aborted when the program must stop in order. */
  signal: AbortSignal;
  /** The exit code after the stop: 0 for a signal, 1 for a fault. */
  exitCode(): 0 | 1;
}

/** One Ctrl-C arrives up to three times: from the terminal, from npm and from bootstrap.mjs. */
const SAME_REQUEST_MS = 1_000;

/**
 * Listens from now on to SIGINT, SIGTERM, SIGHUP (a closed terminal) and uncaught errors. Uncaught errors are
 * written to standard error.
 * @param onInsist called for a signal that comes a second or more after the program was told to stop
 */
export function listenForStop(onInsist: () => void, clock: Pick<Clock, "nowMs">): StopRequest {
  const stop = new AbortController();
  let firstMs = 0;
  let faulty = false;
  const request = () => {
    if (!stop.signal.aborted) firstMs = clock.nowMs();
    else if (clock.nowMs() - firstMs >= SAME_REQUEST_MS) onInsist();
    stop.abort();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, request);
  // Unhandled rejections come here too.
  process.on("uncaughtException", (error: unknown) => {
    faulty = true;
    process.stderr.write(
      `A fault of the cluster's own: ${(error as Error | null)?.stack ?? String(error)}\n`,
    );
    if (!stop.signal.aborted) request();
  });
  return { signal: stop.signal, exitCode: () => (faulty ? 1 : 0) };
}
