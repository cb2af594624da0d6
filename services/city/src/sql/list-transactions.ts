import { COUNT_LIMIT, type Page } from "@teranga/kit/graphql/connection.ts";
import type { Queryable } from "@teranga/kit/postgres/database.ts";
import type { CityTransactionRow } from "../model.ts";

export interface TransactionFilter {
  state?: CityTransactionRow["state"] | undefined;
  role?: CityTransactionRow["role"] | undefined;
}

/**
 * One page of the city's transactions, newest first, and one row more if there is one. Each table yields its
 * own newest rows in the order of an index. So a page costs two short index scans wherever it begins.
 */
export function listTransactions(
  sql: Queryable,
  filter: TransactionFilter,
  page: Page,
): Promise<CityTransactionRow[]> {
  const limit = page.first + 1;
  const position = page.after;
  const after = (time: string) =>
    position ? sql`(${sql(time)}, transaction_id) < (${position.key}, ${position.id})` : sql`true`;
  return sql<CityTransactionRow[]>`
    (
      select transaction_id as "transactionId", 'HOME' as role, kind, state, decided_at as "createdAt",
             null::timestamptz as deadline, 0 as attempts, decided_at as "decidedAt"
      from transaction_decision where ${decided(sql, filter)} and ${after("decided_at")}
      order by decided_at desc, transaction_id desc limit ${limit}
    ) union all (
      select transaction_id, 'PARTICIPANT', kind, case state when 'PREPARED' then 'IN_DOUBT' else state end, created_at,
             deadline, attempts, decided_at
      from participation where ${takingPart(sql, filter)} and ${after("created_at")}
      order by created_at desc, transaction_id desc limit ${limit}
    )
    order by "createdAt" desc, "transactionId" desc limit ${limit}`;
}

/** How many of the city's transactions match the filter, COUNT_LIMIT at most. */
export async function countTransactions(sql: Queryable, filter: TransactionFilter): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int as count from (
      select from transaction_decision where ${decided(sql, filter)}
      union all select from participation where ${takingPart(sql, filter)}
      limit ${COUNT_LIMIT}
    ) counted`;
  return row!.count;
}

/** What a home has decided is not in doubt there. */
function decided(sql: Queryable, { state, role }: TransactionFilter) {
  return role === "PARTICIPANT" || state === "IN_DOUBT" ? sql`false` : inState(sql, state);
}

function takingPart(sql: Queryable, { state, role }: TransactionFilter) {
  return role === "HOME" ? sql`false` : inState(sql, state);
}

/** States are written out, not bound: a partial index serves only a statement that names its state. */
function inState(sql: Queryable, state: TransactionFilter["state"]) {
  switch (state) {
    case undefined:
      return sql`true`;
    case "IN_DOUBT":
      return sql`state = 'PREPARED'`;
    case "COMMITTED":
      return sql`state = 'COMMITTED'`;
    case "ABORTED":
      return sql`state = 'ABORTED'`;
    default:
      return state satisfies never;
  }
}
