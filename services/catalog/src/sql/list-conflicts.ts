import type { Queryable } from "@teranga/kit/postgres/database.ts";
import type { ConflictRow, ConflictStatus } from "../merge/conflict.ts";
import { conflictColumns } from "./conflict-columns.ts";

/** Conflicts of any status, or of one; the newest first. */
export async function listConflicts(
  sql: Queryable,
  status: ConflictStatus | null,
  first: number,
): Promise<ConflictRow[]> {
  const condition = status === null ? sql`true` : sql`status = ${status}`;
  return sql<ConflictRow[]>`
    select ${conflictColumns(sql)} from conflict where ${condition}
    order by opened_at desc, entity, id, field limit ${first}`;
}
