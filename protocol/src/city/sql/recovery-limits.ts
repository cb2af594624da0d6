/** Bounds of the recovery workers' batches and waits. */

/** Transactions of one step. A message with 100 is about 20 kB. */
export const RECOVERY_BATCH = 100;
/** The first wait after a try. Each further wait is twice as long. */
export const RETRY_BASE = "1 second";
/**
 * The longest wait between two tries. It comes on top of the up to 10 s until a probe finds a city that has
 * returned (kit/src/instances/breaker.ts). With 15 s, one of 26 transactions in 20 minutes of chaos stayed in
 * doubt for more than twice its deadline of 10 s. A try is one request for up to RECOVERY_BATCH transactions.
 */
export const RETRY_MAX = "5 seconds";
