import type { Queryable } from "@teranga/kit/postgres/database.ts";
import type { Entity } from "../merge/conflict.ts";

/** Those of these rows whose oldest operations have left the log. */
export async function findCompacted(
  sql: Queryable,
  entity: Entity,
  ids: readonly string[],
): Promise<{ id: string }[]> {
  return sql<{ id: string }[]>`
    select id from entity_state
    where entity = ${entity} and id = any (${ids as string[]}) and compacted <> '{}'`;
}
