import type { Page } from "@teranga/kit/connection.ts";
import type { Queryable } from "@teranga/kit/database.ts";
import { keyset } from "@teranga/kit/keyset.ts";
import type { DecisionRow } from "../model.ts";
import { decisionColumns } from "./get-decisions.ts";

const NEWEST_FIRST = { column: "decided_at", idColumn: "transaction_id", direction: "desc" } as const;

/** One page of the decisions of this home, newest first, and one more if there is one. */
export function listDecisions(
  sql: Queryable,
  state: DecisionRow["state"] | undefined,
  page: Page,
): Promise<DecisionRow[]> {
  const { after, orderBy, limit } = keyset(sql, NEWEST_FIRST, page);
  return sql<DecisionRow[]>`
    select ${decisionColumns(sql)} from transaction_decision
    where ${matching(sql, state)} and ${after} order by ${orderBy} limit ${limit}`;
}

/** How many decisions of this home there are. */
export async function countDecisions(
  sql: Queryable,
  state: DecisionRow["state"] | undefined,
): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int as count from transaction_decision where ${matching(sql, state)}`;
  return row!.count;
}

function matching(sql: Queryable, state: DecisionRow["state"] | undefined) {
  return state === undefined ? sql`true` : sql`state = ${state}`;
}
