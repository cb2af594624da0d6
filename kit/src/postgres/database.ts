/** Access to PostgreSQL: the pool, its limits, and the meaning of its errors. */
import postgres from "postgres";
import type { Queryable, Sql } from "./sql.ts";
import { boundByDeadline, type CancelStatement } from "./statement-deadline.ts";

export type { Queryable, Sql };

export interface Database {
  sql: Sql;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  url: string;
  /** Shown in pg_stat_activity. */
  applicationName: string;
  /** The size of the pool. */
  connections?: number;
  /** The timeout of each statement, in milliseconds; 5 s by default, more than any request needs. */
  statementTimeoutMs?: number;
  /** Called with the text of each statement. Tests assert the list of statements. */
  onStatement?: ((statement: string) => void) | undefined;
  /** Called when a transaction of `retryLostTransaction` has lost against another one and is run again. */
  onLostTransaction?: (() => void) | undefined;
}

/**
 * Settings that the commit protocol relies on, whatever the defaults of the role or the database: an answer
 * is given only when its data is on the disk, and each statement sees what is committed when it begins.
 * database-check.ts checks that they hold.
 */
const PINNED = { synchronous_commit: "on", default_transaction_isolation: "read committed" } as const;
/** Keeps parameter values, e-mail addresses among them, out of PostgreSQL's log when a statement fails. */
const UNLOGGED = { log_parameter_max_length_on_error: 0 };

const CONNECTIONS = 10;
/** No statement of a request works for a tenth of this. Lock waits and runaway statements must end. */
const STATEMENT_TIMEOUT_MS = 5_000;
const CLOSE_TIMEOUT_S = 5;
const RECONNECT_WAIT_MAX_S = 0.5;

/** The connection for cancelling is closed after so long without use. */
const CANCEL_IDLE_S = 10;

/**
 * Opens a pool. Connections are made at first use, so this does not fail while the server is down. Statements
 * within a request keep to the request's deadline (statement-deadline.ts).
 */
export function openDatabase(options: DatabaseOptions): Database {
  const { url, applicationName, connections, onStatement, onLostTransaction } = options;
  const statementTimeoutMs = options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS;
  const pool = postgres(url, {
    max: connections ?? CONNECTIONS,
    connect_timeout: 5,
    idle_timeout: 60,
    // The driver's own waits grow to 20 s. A database could be back for that long before its service noticed.
    backoff: (retries) => Math.min(RECONNECT_WAIT_MAX_S, 0.05 * 2 ** retries),
    onnotice: () => {},
    // bigint columns hold amounts and sequence numbers below 2^53 (constraints of the schema say so).
    types: { bigint: { to: 20, from: [20], serialize: String, parse: Number } },
    connection: {
      application_name: applicationName,
      statement_timeout: statementTimeoutMs,
      idle_in_transaction_session_timeout: STATEMENT_TIMEOUT_MS * 2,
      ...PINNED,
      ...UNLOGGED,
    },
    debug: onStatement ? (_connection, statement) => onStatement(statement) : false,
  }) as unknown as Sql;
  const canceller = createCanceller(url, applicationName);
  const sql = boundByDeadline(pool, canceller.cancel);
  if (onLostTransaction) lossListeners.set(sql, onLostTransaction);
  const close = async () => {
    await Promise.all([pool.end({ timeout: CLOSE_TIMEOUT_S }), canceller.close()]);
  };
  return { sql, close };
}

/** A pool whose statements go where `target` says at the moment. */
export function routeStatements(
  target: () => Sql,
  { onLostTransaction }: Pick<DatabaseOptions, "onLostTransaction">,
): Sql {
  const sql = new Proxy(target(), {
    apply: (_pool, self, args) => Reflect.apply(target() as never, self, args),
    get: (_pool, name) => Reflect.get(target(), name),
  });
  if (onLostTransaction) lossListeners.set(sql, onLostTransaction);
  return sql;
}

/**
 * Cancels statements over a connection of its own, made at first use: all
 * connections of the pool may be waiting.
 */
function createCanceller(url: string, applicationName: string) {
  const sql = postgres(url, {
    max: 1,
    connect_timeout: 1,
    idle_timeout: CANCEL_IDLE_S,
    onnotice: () => {},
    connection: { application_name: `${applicationName} cancel`, statement_timeout: 1_000 },
  });
  const cancel: CancelStatement = async (processId, runningMinMs) => {
    try {
      const rows = await sql`
        select pg_cancel_backend(pid) from pg_stat_get_activity(${processId})
        where state = 'active' and wait_event is distinct from 'SyncRep' and clock_timestamp() - query_start > ${runningMinMs} * interval '1 millisecond'`;
      return rows.length > 0;
    } catch {
      // The server is away, and the statement with it.
      return false;
    }
  };
  return { cancel, close: () => sql.end({ timeout: 1 }) };
}

/**
 * Makes PostgreSQL plan a statement for the values of its filter each time, at the cost of one more
 * message. After five executions a connection uses a plan for any value. For letters that few names
 * contain, that plan walked a whole index: 110 ms instead of 0.2. The driver offers this choice
 * only for texts without fragments.
 * @param filter if it has no value, the statement is prepared like any other
 */
export function planForValues<Statement extends object>(statement: Statement, filter: object): Statement {
  const { options } = statement as { options?: { prepare?: boolean } };
  if (options && Object.values(filter).some((value) => value != null)) options.prepare = false;
  return statement;
}

/** The meaning of a database error for the caller. */
export type DatabaseFailure =
  /** The transaction may be tried again: it lost against another one, or the server was not ready. */
  | { kind: "transient" }
  /** A constraint refused the data; `constraint` is its name. */
  | { kind: "constraint"; constraint: string }
  /** A fault of the code or of the server. */
  | { kind: "fault" };

/** Classes by SQLSTATE, never by message: https://www.postgresql.org/docs/18/errcodes-appendix.html */
const TRANSIENT = new Set([
  "40001", // serialization_failure
  "40P01", // deadlock_detected
  "55P03", // lock_not_available
  "57P01", // admin_shutdown
  "57P02", // crash_shutdown
  "57P03", // cannot_connect_now
  "53300", // too_many_connections
  "25006", // read_only_sql_transaction: the primary has become a replica
  "57014", // query_canceled: by STATEMENT_TIMEOUT_MS, most likely behind a lock
  "08006", // connection_failure
  "08001", // sqlclient_unable_to_establish_sqlconnection
]);
const INTEGRITY = new Set(["23502", "23503", "23505", "23514", "23P01"]);
/** The driver's own codes for a connection that broke or could not be made. */
const CONNECTION = new Set([
  "CONNECTION_CLOSED",
  "CONNECTION_ENDED",
  "CONNECT_TIMEOUT",
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
]);

/** Classifies a thrown value. A value that is not a database error is a fault. */
export function classifyDatabaseError(error: unknown): DatabaseFailure {
  const { code, constraint_name: constraint } = (error ?? {}) as { code?: string; constraint_name?: string };
  if (code === undefined) return { kind: "fault" };
  if (TRANSIENT.has(code) || CONNECTION.has(code)) return { kind: "transient" };
  if (INTEGRITY.has(code)) return { kind: "constraint", constraint: constraint ?? "" };
  return { kind: "fault" };
}

/**
 * PostgreSQL ended the transaction in favour of another one. Nothing has happened,
 * and a second run will succeed.
 */
const LOST_TO_ANOTHER = new Set(["40001", "40P01"]);
const TRIES_MAX = 5;

/** The listeners for lost transactions, by pool. */
const lossListeners = new WeakMap<Sql, () => void>();

/**
 * An instance of another version has started, and has dropped and created a function that the transaction was
 * about to call (create-functions.sql). Nothing has happened either.
 */
const isOfDroppedFunction = ({ code, message }: { code?: string; message?: string }): boolean =>
  code === "XX000" && /^cache lookup failed for function /.test(String(message));

/**
 * Runs a transaction of a pool again if it lost against another one, or its functions were replaced, a
 * bounded number of times.
 */
export async function retryLostTransaction<Result>(sql: Sql, run: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries++) {
    try {
      return await run();
    } catch (error) {
      const failure = (error ?? {}) as { code?: string; message?: string };
      const isLost = LOST_TO_ANOTHER.has(String(failure.code));
      if (tries >= TRIES_MAX || !(isLost || isOfDroppedFunction(failure))) throw error;
      if (isLost) lossListeners.get(sql)?.();
    }
  }
}
