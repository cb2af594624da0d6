/**
 * SQL within the deadline of the request that it belongs to (deadline.ts). A statement that would begin when
 * nothing is left is not begun; one that still runs at the deadline is cancelled at the server, so that its
 * transaction is rolled back as a whole and its connection is free for others. Statements that belong to no
 * request are not touched.
 *
 * Why not `statement_timeout`: it would have to be set before each statement, one more message for all for the
 * sake of a few. Why not the driver's `cancel()` (postgres 3.4.9, connection.js): it leaves the connection unusable
 * if the statement waits for one; it mixes up answers if the statement waits behind another one; and it ends the
 * process by an unhandled rejection if the server is away. So a statement on a second connection asks the server
 * to cancel.
 *
 * That request can come late: our statement has ended, and the next one on its connection has begun. So only a
 * statement that has run for RUNNING_MIN_MS is cancelled. If it has not, we look again.
 */

import { currentDeadlineAtMs, deadlineExceeded } from "../http/deadline.ts";
import { endedByItsConnection } from "./broken-off.ts";
import type { Queryable, Sql } from "./sql.ts";

/** Cancels what runs on a backend of the server if it has run for so long. Never rejects. */
export type CancelStatement = (processId: number, runningMinMs: number) => Promise<void>;

/**
 * Far more than a statement takes to end and the next one to begin, even where this process is late to
 * notice.
 */
const RUNNING_MIN_MS = 40;
/**
 * Between two looks at a statement that is overdue; longer than RUNNING_MIN_MS, so that the second look finds
 * it.
 */
const LOOK_AGAIN_MS = 50;
/** Then the server's own statement_timeout has ended what could be ended; nobody waits for the rest. */
const LOOKS_MAX = 100;
/** What the server says of a statement that was cancelled: query_canceled. */
const CANCELLED = "57014";

/** What we use of the driver's queries: they run when somebody first waits for them. */
interface Statement extends Promise<unknown> {
  /** The server's process, once the statement was sent to it. */
  state: { pid: number } | null;
  /** Whether the server works on it, and not on another one before it. */
  active: boolean;
}

/** The same pool or transaction, with its statements bound by the deadline of the request that makes them. */
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

/**
 * A fragment of another statement is such an object too; it is never waited for, so nothing comes of this.
 */
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
    const look = () => {
      looks++;
      if (looks > LOOKS_MAX) return reject(deadlineExceeded());
      if (statement.active && statement.state) void cancel(statement.state.pid, RUNNING_MIN_MS);
      timer = setTimeout(look, LOOK_AGAIN_MS);
    };
    let timer = setTimeout(look, leftMs);
    const end = (settle: () => void) => {
      clearTimeout(timer);
      settle();
    };
    wait.call(
      statement,
      (rows) => end(() => resolve(rows)),
      (error: { code?: unknown }) =>
        end(() => reject(looks > 0 && error.code === CANCELLED ? deadlineExceeded() : error)),
    );
  });
}
