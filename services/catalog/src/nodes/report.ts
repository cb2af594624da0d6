/** The report of a node: it lives, and how far its log is. */
import type { Sql } from "@teranga/kit/postgres/database.ts";

/** Writes it anew, in the node's own database. It also moves the others' positions on while it is idle. */
export async function reportNode(sql: Sql, node: string): Promise<void> {
  await sql`select report_node(${node})`;
}
