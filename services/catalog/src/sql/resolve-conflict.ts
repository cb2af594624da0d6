import type { Queryable } from "@teranga/kit/postgres/database.ts";
import type { ConflictRow, Json } from "../merge/conflict.ts";

/** Chosen now; chosen before; another value has followed; the conflict or its row is gone. */
export type Resolved = "DONE" | "SAME" | "ENDED" | "GONE";

/**
 * Chooses a value for the field of a conflict.
 * @throws the database's error if another product has the name, or the field cannot have the value
 */
export async function resolveConflict(
  sql: Queryable,
  { entity, id, field, firstNode, firstSequence }: ConflictRow,
  value: Json,
): Promise<Resolved> {
  const [row] = await sql<{ resolved: Resolved }[]>`
    select resolve_conflict(conflict, ${JSON.stringify(value)}::text::jsonb) as resolved from conflict
    where (entity, id, field, first_node, first_sequence) = (${entity}, ${id}, ${field}, ${firstNode}, ${firstSequence})`;
  return row?.resolved ?? "GONE";
}
