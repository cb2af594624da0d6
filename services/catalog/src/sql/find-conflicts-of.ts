import type { Queryable } from "@teranga/kit/postgres/database.ts";
import type { ConflictRow, Entity } from "../merge/conflict.ts";
import { conflictColumns } from "./conflict-columns.ts";

/** Of each row at most so many are told. */
const OF_ROW_MAX = 20;

/** The newest conflicts of these rows, those of a row together. */
export async function findConflictsOf(
  sql: Queryable,
  entity: Entity,
  ids: readonly string[],
): Promise<ConflictRow[]> {
  return sql<ConflictRow[]>`
    select its.* from unnest(${ids as string[]}::text[]) as asked (asked_id) cross join lateral (
      select ${conflictColumns(sql)} from conflict where entity = ${entity} and id = asked_id
      order by opened_at desc, field, first_node, first_sequence limit ${OF_ROW_MAX}
    ) as its`;
}
