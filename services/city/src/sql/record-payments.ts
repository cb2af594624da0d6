import { retryLostTransaction, type Sql } from "@teranga/kit/postgres/database.ts";

export interface AnsweredPayment {
  transactionId: string;
  state: "AUTHORISED" | "DECLINED";
}

export interface SettledPayment {
  transactionId: string;
  state: "CAPTURED" | "VOIDED" | "REFUNDED";
}

/** Records the providers' answers to authorise. A payment that is being ended meanwhile keeps its state. */
export async function recordAnswers(sql: Sql, answers: readonly AnsweredPayment[]): Promise<void> {
  if (answers.length === 0) return;
  await retryLostTransaction(
    sql,
    async () => sql`
      with answered as (
        select transaction_id, a.state as answer
        from payment join jsonb_to_recordset(${sql.json(answers as never)}) as a ("transactionId" text, state text)
          on transaction_id = a."transactionId"
        where payment.state = 'AUTHORISING' order by transaction_id for no key update of payment
      )
      update payment p set state = answer, next_attempt_at = case answer when 'AUTHORISED' then p.next_attempt_at end
      from answered where p.transaction_id = answered.transaction_id`,
  );
}

/**
 * Records that providers have done what was decided. If an order was cancelled while its capture was under
 * way, its payment stays REFUNDING: the capture is no longer what is wanted.
 */
export async function recordSettled(sql: Sql, settled: readonly SettledPayment[]): Promise<void> {
  if (settled.length === 0) return;
  await retryLostTransaction(
    sql,
    async () => sql`
      with done as (
        select transaction_id, s.state as result
        from payment join jsonb_to_recordset(${sql.json(settled as never)}) as s ("transactionId" text, state text)
          on transaction_id = s."transactionId"
        where case s.state
          when 'CAPTURED' then payment.state = 'AUTHORISED'
          when 'VOIDED' then payment.state in ('AUTHORISING', 'AUTHORISED', 'VOIDING')
          when 'REFUNDED' then payment.state = 'REFUNDING'
        end
        order by transaction_id for no key update of payment
      )
      update payment p set state = result, next_attempt_at = null
      from done where p.transaction_id = done.transaction_id`,
  );
}
