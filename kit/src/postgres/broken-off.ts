/** Failures of a connection that breaks off while a statement is under way. */

/** Its transaction may have been committed before the answer was lost. */
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

/** Whether it is not known if a statement that failed so has had its effect. */
export function isOutcomeUnknown(error: unknown): boolean {
  return BROKEN_OFF.has(String((error as { code?: unknown } | null)?.code));
}

type Work = (...args: never[]) => unknown;

/**
 * Runs a transaction of the driver's, whose work ends with its connection. After work that fails the driver
 * rolls back, even on a connection that is gone: it then writes to a socket that is null, later, where nobody
 * can catch it, and the process ends (postgres 3.4.9, connection.js, `nextWrite`). So such work does not
 * fail, it never ends; what waits for it is told by the driver, which has seen the connection close.
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
