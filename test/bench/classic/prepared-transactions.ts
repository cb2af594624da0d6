/**
 * PostgreSQL's prepared transactions. Their statements take the name as a literal, not as a bind parameter.
 */
import type { Sql } from "@teranga/kit/postgres/database.ts";

/** The ids that may stand as a literal in a statement. PostgreSQL's own limit is 199 bytes. */
const SAFE = /^[a-z0-9:_-]{1,199}$/;

/** undefined_object: the prepared transaction does not exist, or no more. */
const NO_SUCH = "42704";
/** object_not_in_prerequisite_state: another session is just finishing it. */
const BUSY = "55000";

export type Finished = "finished" | "none" | "busy";

/**
 * Prepared transactions belong to a server. Each server here has one city, so the transaction's id is a
 * unique name.
 */
function literal(transactionId: string): string {
  if (!SAFE.test(transactionId))
    throw new Error("a transaction id cannot be the name of a prepared transaction");
  return `'${transactionId}'`;
}

/**
 * Prepares the transaction that the connection has begun. In a failed transaction PREPARE TRANSACTION answers
 * ROLLBACK without an error, so the answer is checked.
 */
export async function prepareTransaction(connection: Sql, transactionId: string): Promise<void> {
  const { command } = await connection.unsafe(`prepare transaction ${literal(transactionId)}`);
  if (command !== "PREPARE TRANSACTION") throw new Error(`PREPARE TRANSACTION answered ${command}`);
}

export function commitPrepared(sql: Sql, transactionId: string): Promise<Finished> {
  return finish(sql, `commit prepared ${literal(transactionId)}`);
}

export function rollbackPrepared(sql: Sql, transactionId: string): Promise<Finished> {
  return finish(sql, `rollback prepared ${literal(transactionId)}`);
}

async function finish(sql: Sql, statement: string): Promise<Finished> {
  try {
    await sql.unsafe(statement);
    return "finished";
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === NO_SUCH) return "none";
    if (code === BUSY) return "busy";
    throw error;
  }
}

/** Which of the transactions are prepared here. */
export async function findPrepared(sql: Sql, transactionIds: readonly string[]): Promise<Set<string>> {
  const rows = await sql<{ gid: string }[]>`
    select gid from pg_prepared_xacts where gid = any (${[...transactionIds]}::text[])`;
  return new Set(rows.map(({ gid }) => gid));
}

/** The transactions that have been prepared here for longer than `ageMs`. */
export async function listOverdue(sql: Sql, ageMs: number): Promise<string[]> {
  const rows = await sql<{ gid: string }[]>`
    select gid from pg_prepared_xacts
    where database = current_database() and prepared < clock_timestamp() - ${ageMs} * interval '1 millisecond'
    order by prepared limit 100`;
  return rows.map(({ gid }) => gid);
}
