/** Timers, passed in so that a test can run them in virtual time. */

/** Runs something after `ms` milliseconds. The function that it returns cancels that. */
export type StartTimer = (ms: number, run: () => void) => () => void;

/** Does not keep the process alive: something that waits is no reason to run. */
export const startRealTimer: StartTimer = (ms, run) => {
  const timer = setTimeout(run, ms).unref();
  return () => clearTimeout(timer);
};

/** Waits for something, but no longer than `ms` milliseconds: then the result is undefined. */
export async function withinMs<Value>(
  ms: number,
  awaited: Promise<Value>,
  startTimer: StartTimer = startRealTimer,
): Promise<Value | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const cancel = startTimer(ms, () => resolve(undefined));
  try {
    return await Promise.race([awaited, late]);
  } finally {
    cancel();
  }
}
