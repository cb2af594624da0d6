import type { Queryable } from "@teranga/kit/postgres/database.ts";
import type { Entity, Operation } from "../merge/conflict.ts";

/** The newest operations of these rows that are in the log, those of a row together. */
export async function findHistory(
  sql: Queryable,
  entity: Entity,
  ids: readonly string[],
  first: number,
): Promise<Operation[]> {
  return sql<Operation[]>`
    select its.* from unnest(${ids as string[]}::text[]) as asked (asked_id) cross join lateral (
      select node, sequence, entity, id, kind, patch, written_at as "writtenAt" from operation
      where entity = ${entity} and id = asked_id order by clock desc, node desc, sequence desc limit ${first}
    ) as its`;
}
