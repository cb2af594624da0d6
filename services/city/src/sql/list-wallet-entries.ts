import { COUNT_LIMIT, type Page } from "@teranga/kit/graphql/connection.ts";
import type { Queryable } from "@teranga/kit/postgres/database.ts";
import type { WalletEntryRow } from "../model.ts";

/** The columns of a WalletEntryRow, of `ledger_entry` and its `ledger_posting`. */
export function walletEntryColumns(sql: Queryable) {
  return sql`
    ledger_entry.id::text as id, ledger_entry.client_id as "clientId", reason, amount, transaction_id as "transactionId", at`;
}

/**
 * The entries of several clients' wallets, newest first: for each client the page's
 * rows, and one more if there is one.
 */
export function listWalletEntries(
  sql: Queryable,
  clientIds: readonly string[],
  page: Page,
): Promise<WalletEntryRow[]> {
  const after = page.after ? sql`ledger_entry.id < ${page.after.key}` : sql`true`;
  return sql<WalletEntryRow[]>`
    select entry.* from unnest(${clientIds as string[]}::text[]) as asked (client_id)
    cross join lateral (
      select ${walletEntryColumns(sql)} from ledger_entry join ledger_posting on ledger_posting.id = posting_id
      where ledger_entry.client_id = asked.client_id and ${after}
      order by ledger_entry.id desc limit ${page.first + 1}
    ) entry`;
}

/** How many entries each client's wallet has, COUNT_LIMIT at most. */
export function countWalletEntries(
  sql: Queryable,
  clientIds: readonly string[],
): Promise<{ id: string; count: number }[]> {
  return sql<{ id: string; count: number }[]>`
    select asked.id, count from unnest(${clientIds as string[]}::text[]) as asked (id)
    cross join lateral (
      select count(*)::int as count from (
        select from ledger_entry where client_id = asked.id limit ${COUNT_LIMIT}
      ) counted
    ) counts`;
}
