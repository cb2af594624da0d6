import type { Queryable } from "@teranga/kit/postgres/database.ts";
import type { WalletRow } from "../model.ts";

/** The existing wallets of these clients, in no order. */
export function getWallets(sql: Queryable, clientIds: readonly string[]): Promise<WalletRow[]> {
  return sql<WalletRow[]>`
    select client_id as "clientId", balance from wallet where client_id = any (${clientIds as string[]}::text[])`;
}
