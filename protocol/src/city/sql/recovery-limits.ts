/** Bounds of the recovery workers' batches and waits. */

/** Transactions that one step takes: a message of 100 is about 20 kB. */
export const RECOVERY_BATCH = 100;
/** The first wait after a try, doubled for each further one. */
export const RETRY_BASE = "1 second";
/**
 * A city that was away for long is tried this often, so what waits for it is finished within this time of its return. With 15 s, one
 * of 26 transactions in 20 minutes of chaos was in doubt for more than twice its deadline of 10 s. A try is one request for up to
 * RECOVERY_BATCH transactions.
 */
export const RETRY_MAX = "5 seconds";
