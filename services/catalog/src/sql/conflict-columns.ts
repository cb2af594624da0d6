/** The columns of a conflict under the names of its type. */
import type { Queryable } from "@teranga/kit/postgres/database.ts";

export function conflictColumns(sql: Queryable) {
  return sql`
    entity, id, field, first_node as "firstNode", first_sequence as "firstSequence", base, winner, losers,
    strategy, status, opened_at as "openedAt", resolved_at as "resolvedAt"`;
}
