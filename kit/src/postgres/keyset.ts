/** The SQL of keyset pagination: where a page begins and how its rows are ordered. */
import type { PendingQuery, Row } from "postgres";
import type { Page } from "../graphql/connection.ts";
import type { Queryable } from "./database.ts";

/**
 * An ordering of a list by one column, with ties by id. Both must be NOT NULL. An
 * index on (column, id) serves it.
 */
export interface Ordering {
  column: string;
  idColumn: string;
  direction: "asc" | "desc";
}

type Fragment = PendingQuery<Row[]>;

/**
 * Fragments for a query of one page: `… where ${after} … order by ${orderBy} limit ${limit}`. `limit` is
 * the page's size plus one: the extra row shows that another page follows (see `toConnection`).
 */
export function keyset(sql: Queryable, { column, idColumn, direction }: Ordering, page: Page) {
  const position = page.after;
  const key = sql(column);
  const id = sql(idColumn);
  let after: Fragment = sql`true`;
  if (position && direction === "asc") after = sql`(${key}, ${id}) > (${position.key}, ${position.id})`;
  if (position && direction === "desc") after = sql`(${key}, ${id}) < (${position.key}, ${position.id})`;
  const orderBy: Fragment = direction === "asc" ? sql`${key} asc, ${id} asc` : sql`${key} desc, ${id} desc`;
  return { after, orderBy, limit: page.first + 1 };
}
