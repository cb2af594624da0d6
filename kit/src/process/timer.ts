/** Timers, passed in so that a test can run them in virtual time. */

/** Runs something after `ms` milliseconds. The function that it returns cancels that. */
export type StartTimer = (ms: number, run: () => void) => () => void;

/** Does not keep the process alive: something that waits is no reason to run. */
export const startRealTimer: StartTimer = (ms, run) => {
  const timer = setTimeout(run, ms).unref();
  return () => clearTimeout(timer);
};
