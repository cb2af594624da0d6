import { retryLostTransaction, type Sql } from "@teranga/kit/postgres/database.ts";
import type { CityClock } from "@teranga/protocol/city/city-clock.ts";

export interface TopUp {
  clientId: string;
  amount: number;
  idempotencyKey: string;
}

/** ADDED: by this call, or by an earlier top-up with the same key and amount. */
export type TopUpAnswer =
  | { state: "ADDED"; entryId: number }
  | { state: "KEY_REUSED"; entryId: number }
  | { state: "LIMIT"; balance: number }
  | { state: "UNKNOWN_CLIENT" };

/** Adds money to a wallet, once for each key, unless the wallet would then hold more than `balanceMax`. */
export async function topUpWallet(
  sql: Sql,
  { clientId, amount, idempotencyKey }: TopUp,
  balanceMax: number,
  clock: CityClock,
): Promise<TopUpAnswer> {
  const [row] = await retryLostTransaction(
    sql,
    () => sql<{ answer: TopUpAnswer }[]>`
      select top_up_wallet(${clientId}, ${amount}, ${idempotencyKey}, ${balanceMax}, ${clock.now(sql)}) as answer`,
  );
  return row!.answer;
}
