/** Waiting between tries. */

/** Time and randomness, passed in so that a test can replay them. */
export interface Clock {
  /** Milliseconds since 1970. */
  nowMs(): number;
  /** A number in [0, 1). */
  random(): number;
}

export const systemClock: Clock = { nowMs: () => Date.now(), random: () => Math.random() };

/**
 * The wait in milliseconds before try number `attempt` (0 is the first retry): exponential, capped,
 * with full jitter, so that callers that wait together do not return together (Brooker,
 * "Exponential Backoff and Jitter", 2015).
 */
export function backoffMs(attempt: number, limits: { firstMs: number; maxMs: number }, clock: Clock): number {
  const ceilingMs = Math.min(limits.maxMs, limits.firstMs * 2 ** Math.min(attempt, 30));
  return Math.ceil(ceilingMs * (0.5 + clock.random() / 2));
}
