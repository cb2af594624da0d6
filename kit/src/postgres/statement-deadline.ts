/**
 * SQL within the deadline of its request (deadline.ts). A statement is not begun if no time is
 * left. A statement that still runs at the deadline is cancelled at the server, so that its
 * transaction is rolled back as a whole and its connection is free for others. Statements that
 * belong to no request have no deadline.
 *
 * Why not `statement_timeout`: it would have to be set before each statement. That is one more message for
 * every statement, for the sake of a few. Why not the driver's `cancel()` (postgres 3.4.9, connection.js): it
 * leaves the connection unusable if the statement waits for a connection, it mixes up answers if the
 * statement waits behind another one, and it ends the process with an unhandled rejection if the server is
 * away. So a statement on a second connection asks the server to cancel.
 *
 * That request can come too late: our statement has ended, and its connection runs the next one. So only a
 * statement that has run for RUNNING_MIN_MS is cancelled. Otherwise we look again later.
 */

import { currentDeadlineAtMs, deadlineExceeded } from "../http/deadline.ts";
import { endedByItsConnection } from "./broken-off.ts";
import type { Queryable, Sql } from "./sql.ts";

/**
 * Cancels the statement on a backend of the server if it has run for at least `runningMinMs`, and does not
 * wait for a synchronous replica: PostgreSQL takes a cancellation of that wait for leave to say that the
 * commit is done. Resolves to whether it was cancelled. Never rejects.
 */
export type CancelStatement = (processId: number, runningMinMs: number) => Promise<boolean>;

/**
 * Far longer than the gap between the end of a statement and the start of the next, even
 * if this process notices it late.
 */
const RUNNING_MIN_MS = 40;
/**
 * Between two looks at an overdue statement. Longer than RUNNING_MIN_MS, so that the second look finds it.
 */
const LOOK_AGAIN_MS = 50;
/**
 * By then the server's own statement_timeout has ended the statement if it could be ended.
 * The caller does not wait longer.
 */
const LOOKS_MAX = 100;
/** The server's SQLSTATE for a cancelled statement: query_canceled. */
const CANCELLED = "57014";

/** The part of the driver's queries that we use. A query runs when it is first awaited. */
interface Statement extends Promise<unknown> {
  /** The server's process, set once the statement was sent to it. */
  state: { pid: number } | null;
  /** Whether the server works on this statement, not on one before it. */
  active: boolean;
}

/** The same pool or transaction. Its statements keep to the deadline of the request that makes them. */
export function boundByDeadline<Access extends Queryable>(sql: Access, cancel: CancelStatement): Access {
  const bound = (made: unknown) => {
    const deadlineAtMs = currentDeadlineAtMs();
    if (deadlineAtMs === undefined || !(made instanceof Promise)) return made;
    return bindStatement(made as Statement, deadlineAtMs, cancel);
  };
  return new Proxy(sql, {
    apply: (target, self, args) => bound(Reflect.apply(target as never, self, args)),
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (name === "unsafe") return (...args: unknown[]) => bound((value as Callable)(...args));
      if (name === "begin" || name === "savepoint")
        return (...args: unknown[]) => begin(value as Callable, args, cancel);
      return value;
    },
  });
}

type Callable = (...args: unknown[]) => unknown;

function begin(begin: Callable, args: unknown[], cancel: CancelStatement): unknown {
  const run = args.at(-1) as (sql: Sql) => unknown;
  return endedByItsConnection(
    (work) => begin(...args.slice(0, -1), work),
    (sql: Sql) => run(boundByDeadline(sql, cancel)),
  );
}

/** A fragment of another statement is such an object too. It is never awaited, so this does nothing to it. */
function bindStatement(statement: Statement, deadlineAtMs: number, cancel: CancelStatement): Statement {
  const wait = statement.then;
  let result: Promise<unknown> | undefined;
  // biome-ignore lint/suspicious/noThenProperty: it is the driver's thenable, and to wait for it is to run it
  statement.then = ((...handlers: Parameters<typeof wait>) => {
    result ??= runWithin(deadlineAtMs - performance.now(), statement, wait, cancel);
    return result.then(...handlers);
  }) as typeof wait;
  return statement;
}

function runWithin(
  leftMs: number,
  statement: Statement,
  wait: Statement["then"],
  cancel: CancelStatement,
): Promise<unknown> {
  if (leftMs < 1) return Promise.reject(deadlineExceeded());
  return new Promise((resolve, reject) => {
    let looks = 0;
    let cancelled: Promise<boolean> = Promise.resolve(false);
    const look = () => {
      looks++;
      if (looks > LOOKS_MAX) return reject(deadlineExceeded());
      if (statement.active && statement.state) {
        const before = cancelled;
        cancelled = cancel(statement.state.pid, RUNNING_MIN_MS).then(async (now) => now || before);
      }
      timer = setTimeout(look, LOOK_AGAIN_MS);
    };
    let timer = setTimeout(look, leftMs);
    const end = (settle: () => void) => {
      clearTimeout(timer);
      settle();
    };
    wait.call(
      statement,
      // The commit of a statement that was cancelled all the same may be on no replica.
      (rows) => end(() => void cancelled.then((was) => (was ? reject(deadlineExceeded()) : resolve(rows)))),
      (error: { code?: unknown }) =>
        end(() => reject(looks > 0 && error.code === CANCELLED ? deadlineExceeded() : error)),
    );
  });
}
