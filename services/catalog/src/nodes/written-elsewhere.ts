/** Writes what other nodes have written. */
import type { Sql } from "@teranga/kit/postgres/database.ts";

/**
 * What a session with this origin writes is not sent to other nodes: it was written elsewhere before. Origins
 * are the whole server's, and one session at a time may have one: so the name has the database's number.
 */
const ORIGIN = "teranga_copy_";

/** Runs a transaction whose rows are applied as if they had been delivered, and are sent to nobody. */
export async function writtenElsewhere<Result>(
  sql: Sql,
  write: (connection: Sql) => Promise<Result>,
): Promise<Result> {
  const [{ origin } = { origin: "" }] = await sql<{ origin: string }[]>`
    select ${ORIGIN} || oid as origin from pg_database where datname = current_database()`;
  await sql`
    select pg_replication_origin_create(${origin})
    where not exists (select from pg_replication_origin where roname = ${origin})`;
  const connection = await sql.reserve();
  try {
    await connection`select pg_replication_origin_session_setup(${origin})`;
    try {
      await connection`begin`;
      await connection`set local idle_in_transaction_session_timeout = 0`;
      await connection`set local session_replication_role = replica`;
      const result = await write(connection);
      await connection`commit`;
      return result;
    } catch (error) {
      await connection`rollback`.catch(() => {});
      throw error;
    } finally {
      await connection`select pg_replication_origin_session_reset()`.catch(() => {});
    }
  } finally {
    connection.release();
  }
}
