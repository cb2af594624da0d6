/** Nodes of the catalog for random histories: one in-process PostgreSQL each, with the real SQL. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { PGlite } from "@electric-sql/pglite";
import { CATALOG_FILES } from "@teranga/catalog/database.ts";
import { openClusters } from "../../kit/test/kept-cluster.ts";
import { type Edit, edited, type PlantedBug, ROOT } from "../harness/planted-bug.ts";

export const NODES = ["a", "b", "c", "d"] as const;
export type NodeId = (typeof NODES)[number];

/** A row of the table `operation`, with times as texts. */
export interface Operation {
  node: NodeId;
  sequence: number;
  entity: "Product" | "Supplier";
  id: string;
  kind: "CREATE" | "EDIT" | "DELETE" | "RESOLUTION";
  patch: Record<string, unknown>;
  clock: number;
  seen: Partial<Record<NodeId, number>>;
  strategies: Record<string, string>;
  rules: number;
  written_at: string;
}

/** One statement at a node, by the clock of that node. */
export interface Write {
  sql: string;
  nowMs: number;
  /** The node's merge rules, if they are not those of the file. */
  rules?: { version: number; strategies: readonly { entity: string; unit: string; strategy: string }[] };
}

export interface Row {
  entity: "Product" | "Supplier";
  id: string;
}

/** A row whose oldest operations are to leave the log, and what each other node has of it. */
export interface Compaction extends Row {
  others: readonly unknown[];
  kept: number;
}

/** What a history has left in one node, as texts that can be compared. */
export interface NodeContent {
  products: Record<string, unknown>[];
  suppliers: Record<string, unknown>[];
  conflicts: Record<string, unknown>[];
  operations: Operation[];
  states: Record<string, unknown>[];
  compacted: Compacted[];
}

/** By node the last operation of a row that has left the log. */
export interface Compacted extends Row {
  compacted: Partial<Record<NodeId, number>>;
}

export interface CatalogNode {
  id: NodeId;
  /** Runs statements one after the other. A name that is taken is a refusal; anything else is a failure. */
  write(writes: readonly Write[]): Promise<Operation[]>;
  /** Applies operations of other nodes as a replication worker does. */
  apply(operations: readonly Operation[]): Promise<void>;
  /** What it has of rows. */
  vectors(rows: readonly Row[]): Promise<unknown[]>;
  /** Lets operations leave the log. Returns how many have left. */
  compact(compactions: readonly Compaction[]): Promise<number>;
  content(): Promise<NodeContent>;
  /** Forgets all rows. */
  empty(): Promise<void>;
  /** Makes a mistake in the SQL of this node. */
  plant(bug: PlantedBug): Promise<void>;
  /** Takes it back. */
  heal(bug: PlantedBug): Promise<void>;
  close(): Promise<void>;
}

/**
 * Time is a setting; who applies has the clock of who wrote. Writes of many histories are one statement, so
 * that ten thousand are affordable.
 */
const EXTRA = `
create or replace function wall_clock() returns timestamptz language sql volatile
  return to_timestamp(current_setting('test.now_ms')::bigint / 1000.0);

update node_state set phase = 'JOINED';
insert into known_node values ${NODES.map((id) => `('${id}')`).join()};

create function write_all(writes jsonb) returns void language plpgsql as $$
declare
  one jsonb;
  usual constant jsonb := (select jsonb_agg(to_jsonb(merge_unit)) from merge_unit);
begin
  for one in select jsonb_array_elements(writes) loop
    perform set_config('test.now_ms', one ->> 'nowMs', true);
    if one ? 'rules' then
      update this_node set rules = (one -> 'rules' ->> 'version')::int;
      update merge_unit set strategy = changed.strategy
        from jsonb_to_recordset(one -> 'rules' -> 'strategies') as changed (entity text, unit text, strategy text)
        where (merge_unit.entity, merge_unit.unit) = (changed.entity, changed.unit);
    end if;
    begin
      execute one ->> 'sql';
    exception when unique_violation then
      null;
    end;
    if one ? 'rules' then
      update this_node set rules = 1;
      update merge_unit set strategy = before.strategy from jsonb_populate_recordset(null::merge_unit, usual) as before
        where (merge_unit.entity, merge_unit.unit) = (before.entity, before.unit);
    end if;
  end loop;
end $$;

create function compact_all(compactions jsonb) returns bigint language sql volatile
  return (
    select sum(compact_row(entity, id, array(select jsonb_array_elements(others)), kept))
    from jsonb_to_recordset(compactions) as given (entity text, id text, others jsonb, kept int)
  );

create function apply_all(operations jsonb) returns void language plpgsql
  set session_replication_role to replica set search_path to pg_catalog as $$
declare
  one jsonb;
begin
  for one in select jsonb_array_elements(operations) loop
    perform set_config('test.now_ms', ((one ->> 'clock')::bigint / 4096)::text, true);
    insert into public.operation select * from jsonb_populate_record(null::public.operation, one);
    -- The end of a transaction: each brings some operations.
    if (one ->> 'sequence')::bigint % 3 = 0 then
      set constraints all immediate;
      set constraints all deferred;
    end if;
  end loop;
end $$;
`;

export async function openNodes(): Promise<CatalogNode[]> {
  const databases = await openClusters(NODES.length, {
    files: CATALOG_FILES,
    extra: EXTRA,
    keptAs: "catalog-node",
  });
  return Promise.all(NODES.map((id, index) => openNode(id, databases[index]!)));
}

const sourceOf = ({ file }: Edit) => readFileSync(join(ROOT, file), "utf8");

async function openNode(id: NodeId, database: PGlite): Promise<CatalogNode> {
  await database.query("update this_node set id = $1", [id]);
  const rows = async (query: string, parameters: unknown[] = []) =>
    (
      await database.query<{ rows: never[] }>(
        `select coalesce(jsonb_agg(t), '[]') as rows from (${query}) as t`,
        parameters,
      )
    ).rows[0]!.rows;
  let told = 0;
  return {
    id,
    async write(writes) {
      await database.query("select write_all($1)", [JSON.stringify(writes)]);
      const written: Operation[] = await rows(
        "select * from operation where node = $1 and sequence > $2 order by sequence",
        [id, told],
      );
      told = written.at(-1)?.sequence ?? told;
      return written;
    },
    async apply(operations) {
      await database.query("select apply_all($1)", [JSON.stringify(operations)]);
    },
    async vectors(given) {
      const [row] = await rows("select vectors_of($1, $2) as its", [id, JSON.stringify(given)]);
      return (row as unknown as { its: unknown[] }).its;
    },
    async compact(compactions) {
      const [row] = await rows("select compact_all($1) as gone", [JSON.stringify(compactions)]);
      return (row as unknown as { gone: number }).gone;
    },
    content: async () => ({
      products: await rows("select * from product order by id"),
      suppliers: await rows("select * from supplier order by id"),
      conflicts: await rows("select * from conflict order by entity, id, field, first_node, first_sequence"),
      operations: await rows("select * from operation order by entity, id, clock, node, sequence"),
      states: await rows(
        "select entity, id, seen, edits, clock, updated_at from entity_state order by entity, id",
      ),
      compacted: await rows("select entity, id, compacted from entity_state where compacted <> '{}'"),
    }),
    async empty() {
      await database.exec(`
        set session_replication_role to replica;
        truncate operation, entity_state, conflict, product, supplier, outbox;
        set session_replication_role to origin`);
    },
    async plant({ edits }) {
      for (const edit of edits) await database.exec(edited(sourceOf(edit), edit));
    },
    async heal({ edits }) {
      for (const edit of edits) await database.exec(sourceOf(edit));
    },
    close: () => database.close(),
  };
}
