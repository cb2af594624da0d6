import { retryLostTransaction, type Sql } from "@teranga/kit/postgres/database.ts";
import type { CityClock } from "@teranga/protocol/city/city-clock.ts";
import type { AuthoriseAnswer, PaymentRequest, SettleAnswer } from "../payments/payment-provider.ts";

/** Sets money of a wallet aside. */
export async function authoriseFromWallet(sql: Sql, request: PaymentRequest): Promise<AuthoriseAnswer> {
  const { transactionId, clientId, amount } = request;
  const [row] = await retryLostTransaction(
    sql,
    () => sql<{ answer: AuthoriseAnswer }[]>`
      select wallet_authorise(${transactionId}, ${clientId}, ${amount}) as answer`,
  );
  return row!.answer;
}

/** Takes the money that was set aside, for a placed order. */
export function captureFromWallet(sql: Sql, transactionId: string, clock: CityClock): Promise<SettleAnswer> {
  return settled(sql, () => sql`select wallet_capture(${transactionId}, ${clock.now(sql)}) as answer`);
}

/** Releases the money that was set aside, and refuses a later authorise. */
export function voidInWallet(sql: Sql, transactionId: string): Promise<SettleAnswer> {
  return settled(sql, () => sql`select wallet_void(${transactionId}) as answer`);
}

/** Gives back the money that was taken, for a cancelled order. */
export function refundToWallet(sql: Sql, transactionId: string, clock: CityClock): Promise<SettleAnswer> {
  return settled(sql, () => sql`select wallet_refund(${transactionId}, ${clock.now(sql)}) as answer`);
}

async function settled(
  sql: Sql,
  run: () => PromiseLike<readonly Record<string, unknown>[]>,
): Promise<SettleAnswer> {
  const [row] = await retryLostTransaction(sql, async () => run());
  return row!.answer as SettleAnswer;
}
