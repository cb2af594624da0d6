/** Copies all data of one node over that of another, at one moment of the first. */
import type { Queryable, Sql } from "@teranga/kit/postgres/database.ts";
import { writtenElsewhere } from "./written-elsewhere.ts";

/** What all nodes have in common, and what another node has laid aside. */
const TABLES = [
  "product",
  "supplier",
  "operation",
  "entity_state",
  "conflict",
  "counted_delivery",
  "node_report",
  "removed_node",
  "refused_operation",
] as const;

/**
 * A database that was lost may have sent operations that no node has shown. Their numbers are not used again.
 */
const LOST_NUMBERS = 1_000_000;

/** A row has 1 to 10 kB. */
const PAGE_ROWS = 1_000;

/**
 * The tables are locked meanwhile: requests wait, or fail and may be sent again. A copy that breaks off has
 * changed nothing.
 * @returns how many own operations the donor does not have: they are in the rows, and are still to be sent
 */
export async function copyData(own: Sql, donor: Sql, node: string): Promise<number> {
  return writtenElsewhere(own, async (connection) => {
    await prepare(connection, node);
    await donor.begin("isolation level repeatable read read only", async (snapshot) => {
      await snapshot`set local idle_in_transaction_session_timeout = 0`;
      for (const table of TABLES) await copyTable(connection, snapshot, table);
    });
    return finish(connection, node);
  });
}

async function prepare(sql: Sql, node: string): Promise<void> {
  await sql`set local teranga.copying = 'on'`;
  await sql.unsafe(`lock table ${TABLES.join(", ")} in access exclusive mode`);
  await sql`
    insert into kept_operation (sequence, operation)
    select sequence, to_jsonb(operation) from operation where node = ${node} on conflict do nothing`;
  await sql.unsafe(`truncate ${TABLES.join(", ")}`);
}

/**
 * By pages, not by COPY: the driver leaves its socket paused when a stream ends just as it is full (postgres
 * 3.4.9), and the next table would wait for ever.
 */
async function copyTable(own: Sql, donor: Queryable, table: string): Promise<void> {
  const [row] = await own<{ columns: string }[]>`
    select string_agg(quote_ident(attname), ', ' order by attnum) as columns from pg_attribute
    where attrelid = ${table}::regclass and attnum > 0 and not attisdropped and attgenerated = ''`;
  const { columns } = row!;
  const insert = `insert into ${table} (${columns})
    select ${columns} from jsonb_populate_recordset(null::${table}, $1::text::jsonb)`;
  const pages = donor.unsafe<{ json: string }[]>(`select to_jsonb(${table})::text as json from ${table}`);
  await pages.cursor(PAGE_ROWS, async (page) => {
    await own.unsafe(insert, [`[${page.map(({ json }) => json).join(",")}]`]);
  });
}

/** What the donor has of this node's operations, row by row, is in its vectors. */
async function finish(sql: Sql, node: string): Promise<number> {
  await sql`
    delete from kept_operation
    using entity_state state
    where state.entity = operation ->> 'entity' and state.id = operation ->> 'id'
      and sequence <= (state.seen ->> ${node})::bigint`;
  const [kept] = await sql<{ count: number }[]>`select count(*)::int as count from kept_operation`;
  await sql`update this_node set id = ${node}, is_origin = is_origin and id = ${node}`;
  await skipNumbers(sql, node);
  // For this database they are operations that arrive. They do in this transaction: a node that is rebuilt
  // serves, and what was read there must not be away for a moment.
  await sql`set local teranga.copying = 'off'`;
  await insertKept(sql);
  return kept!.count;
}

async function insertKept(sql: Queryable): Promise<void> {
  await sql`
    insert into operation
    select restored.* from kept_operation, jsonb_populate_record(null::operation, operation) as restored
    order by kept_operation.sequence`;
}

/**
 * Own operations that no other node has are written again, under their own numbers, and so sent to all: what
 * the copy has written is sent to nobody. The rows have them already.
 */
export async function sendKept(sql: Sql): Promise<void> {
  await sql.begin(async (begun) => {
    await begun`set local session_replication_role = replica`;
    await begun`set local teranga.copying = 'on'`;
    await begun`
      delete from operation using kept_operation
      where node = (select id from this_node) and operation.sequence = kept_operation.sequence`;
    await insertKept(begun);
    await begun`delete from kept_operation`;
  });
}

/** No number of this node's is given twice, though its database may be a new one. */
async function skipNumbers(sql: Sql, node: string): Promise<void> {
  await sql`
    select setval('operation_sequence', known.greatest + ${LOST_NUMBERS})
    from (select coalesce(max((seen ->> ${node})::bigint), 0) as greatest from entity_state) known,
      operation_sequence own
    where known.greatest > own.last_value`;
  for (const table of ["product", "supplier"])
    await sql.unsafe(
      `select setval('${table}_number', known.greatest)
      from (
        select coalesce(max(substring(id from length($1) + 2)::bigint), 0) as greatest from ${table}
        where id ~ ('^' || $1 || '-[0-9]{1,15}$')
      ) known, ${table}_number own
      where known.greatest >= own.last_value`,
      [node],
    );
}
