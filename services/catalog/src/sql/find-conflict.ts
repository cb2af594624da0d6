import type { Queryable } from "@teranga/kit/postgres/database.ts";
import type { ConflictRow, Entity } from "../merge/conflict.ts";
import { conflictColumns } from "./conflict-columns.ts";

export interface ConflictKey {
  entity: Entity;
  id: string;
  field: string;
  node: string;
  sequence: number;
}

/**
 * The conflict in which a change takes part. What is the first of a conflict may become another one while
 * changes of other nodes come in, so any of them will do; once they have left the log, any that it shows.
 */
export async function findConflict(
  sql: Queryable,
  { entity, id, field, node, sequence }: ConflictKey,
): Promise<ConflictRow | null> {
  const [conflict] = await sql<ConflictRow[]>`
    select ${conflictColumns(sql)} from conflict
    where entity = ${entity} and id = ${id} and field = ${field} and (
      (first_node, first_sequence) = (${node}, ${sequence})
      or winner || losers @> jsonb_build_array(jsonb_build_object('node', ${node}::text, 'sequence', ${sequence}::bigint))
      or exists (
        select from merge_unit as its
        cross join lateral rounds_of(${entity}, ${id}, its.unit) as one
        cross join lateral rounds_of(${entity}, ${id}, its.unit) as other
        where its.entity = ${entity} and ${field} = any (its.columns) and one.round = other.round
          and ((one.op).node, (one.op).sequence) = (${node}, ${sequence})
          and ((other.op).node, (other.op).sequence) = (first_node, first_sequence)
      )
    )
    order by (first_node, first_sequence) = (${node}, ${sequence}) desc limit 1`;
  return conflict ?? null;
}
