import type { Queryable } from "@teranga/kit/postgres/database.ts";
import type { WalletEntryRow } from "../model.ts";
import { walletEntryColumns } from "./list-wallet-entries.ts";

/** An entry of a wallet. It must exist; entries are never removed. */
export async function getWalletEntry(sql: Queryable, id: number): Promise<WalletEntryRow> {
  const [row] = await sql<WalletEntryRow[]>`
    select ${walletEntryColumns(sql)} from ledger_entry join ledger_posting on ledger_posting.id = posting_id
    where ledger_entry.id = ${id}`;
  return row!;
}
