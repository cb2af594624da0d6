import { retryLostTransaction, type Sql } from "@teranga/kit/postgres/database.ts";
import type { CityClock } from "@teranga/protocol/city/city-clock.ts";
import type { OrderCommit } from "@teranga/protocol/messages.ts";
import type { PaymentRequest } from "../payments/payment-provider.ts";

export interface OpenPayment extends PaymentRequest {
  method: string;
}

/**
 * Records that providers are about to be asked, so that the city knows which provider to tell later, whatever
 * happens in between.
 *
 * Leaves out the payment of an order that is decided already, or that will be refused whatever its
 * payment is: an unknown client, a used key, an id behind the horizon, a client without a telephone
 * number of the form that companies know (docs/payments.md). The telephone number is recorded, without
 * spaces. So a copy of the message asks the same number, although the client may have changed it.
 * @returns the payments to ask for, including those that a copy of the message is asking for already
 * @param leaseMs how long until the city itself ends an undecided payment
 */
export async function beginPayments(
  sql: Sql,
  orders: readonly OrderCommit[],
  leaseMs: number,
  clock: CityClock,
): Promise<OpenPayment[]> {
  const ids = orders.map(({ transactionId }) => transactionId);
  await retryLostTransaction(
    sql,
    async () => sql`
      insert into payment (transaction_id, client_id, phone, method, amount, state, next_attempt_at)
      select e ->> 'transactionId' collate "C" as transaction_id, client.id, number, e ->> 'paymentMethod', order_total(e), 'AUTHORISING', ${clock.now(sql)} + ${leaseMs} * interval '1 millisecond'
      from jsonb_array_elements(${sql.json(orders as never)}) e join client on client.id = e ->> 'clientId'
        cross join replace(client.phone, ' ', '') number
      where number ~ '^[+][1-9][0-9]{5,18}$' and judge_key('ORDER', client.id, e) is null and not is_behind_horizon(e ->> 'transactionId')
        and not exists (select from transaction_decision decided where decided.transaction_id = e ->> 'transactionId')
      order by transaction_id
      on conflict do nothing`,
  );
  // A separate statement. So it also sees rows that another one has inserted while the
  // first statement waited for it.
  return sql<OpenPayment[]>`
    select transaction_id as "transactionId", client_id as "clientId", phone, method, amount from payment
    where transaction_id = any (${ids}::text[]) and state = 'AUTHORISING'`;
}
