/** Failures of a connection that breaks while a statement is under way. */

/** The transaction may have been committed before the answer was lost. */
const BROKEN_OFF = new Set([
  "57P01", // admin_shutdown
  "57P02", // crash_shutdown
  "08006", // connection_failure
  "CONNECTION_CLOSED",
  "CONNECTION_ENDED",
  "CONNECTION_DESTROYED",
  "ECONNRESET",
  "EPIPE",
]);

/** Whether a statement that failed with this error may have taken effect. */
export function isOutcomeUnknown(error: unknown): boolean {
  return BROKEN_OFF.has(String((error as { code?: unknown } | null)?.code));
}

type Work = (...args: never[]) => unknown;

/**
 * Runs a transaction of the driver, whose work ends with its connection. If the work fails, the driver
 * rolls back even on a connection that is gone. It then writes to a socket that is null, later, where
 * nothing can catch the error, and the process ends (postgres 3.4.9, connection.js, `nextWrite`). So
 * the work does not fail on a broken connection: it never ends. The driver, which sees the connection
 * close, rejects the transaction.
 */
export function endedByItsConnection(begin: (work: Work) => unknown, work: Work): unknown {
  return begin(async (...args) => {
    try {
      return await work(...args);
    } catch (error) {
      if (!isOutcomeUnknown(error)) throw error;
      return new Promise(() => {});
    }
  });
}
