import type { Page } from "@teranga/kit/connection.ts";
import type { Queryable } from "@teranga/kit/database.ts";
import { keyset } from "@teranga/kit/keyset.ts";
import type { ParticipationRow, ProductQuantity } from "../model.ts";

const NEWEST_FIRST = { column: "created_at", idColumn: "transaction_id", direction: "desc" } as const;

/** One page of the transactions of other cities that this one takes part in, newest first, and one more if there is one. */
export function listParticipations(
  sql: Queryable,
  state: ParticipationRow["state"] | undefined,
  page: Page,
): Promise<ParticipationRow[]> {
  const { after, orderBy, limit } = keyset(sql, NEWEST_FIRST, page);
  return sql<ParticipationRow[]>`
    select transaction_id as "transactionId", state, deadline, created_at as "createdAt", decided_at as "decidedAt"
    from participation where ${matching(sql, state)} and ${after} order by ${orderBy} limit ${limit}`;
}

/** How many transactions of other cities this one has taken part in. */
export async function countParticipations(
  sql: Queryable,
  state: ParticipationRow["state"] | undefined,
): Promise<number> {
  const [row] = await sql<
    { count: number }[]
  >`select count(*)::int as count from participation where ${matching(sql, state)}`;
  return row!.count;
}

/** What these transactions hold or were given here, by product. */
export function getReservations(
  sql: Queryable,
  transactionIds: readonly string[],
): Promise<(ProductQuantity & { transactionId: string })[]> {
  return sql<(ProductQuantity & { transactionId: string })[]>`
    select transaction_id as "transactionId", product_id as "productId", quantity from reservation
    where transaction_id = any (${transactionIds as string[]}::text[]) order by transaction_id, product_id`;
}

function matching(sql: Queryable, state: ParticipationRow["state"] | undefined) {
  return state === undefined ? sql`true` : sql`state = ${state}`;
}
