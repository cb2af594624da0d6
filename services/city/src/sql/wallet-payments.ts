import { retryLostTransaction, type Sql } from "@teranga/kit/postgres/database.ts";
import type { Clock } from "@teranga/kit/process/retry.ts";
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

/** Takes what is set aside, for an order that is placed. */
export function captureFromWallet(sql: Sql, transactionId: string, clock: Clock): Promise<SettleAnswer> {
  const now = new Date(clock.nowMs());
  return settled(sql, () => sql`select wallet_capture(${transactionId}, ${now}) as answer`);
}

/** Releases what is set aside, or ever would be. */
export function voidInWallet(sql: Sql, transactionId: string): Promise<SettleAnswer> {
  return settled(sql, () => sql`select wallet_void(${transactionId}) as answer`);
}

/** Gives back what was taken, for an order that is cancelled. */
export function refundToWallet(sql: Sql, transactionId: string, clock: Clock): Promise<SettleAnswer> {
  const now = new Date(clock.nowMs());
  return settled(sql, () => sql`select wallet_refund(${transactionId}, ${now}) as answer`);
}

async function settled(
  sql: Sql,
  run: () => PromiseLike<readonly Record<string, unknown>[]>,
): Promise<SettleAnswer> {
  const [row] = await retryLostTransaction(sql, async () => run());
  return row!.answer as SettleAnswer;
}
