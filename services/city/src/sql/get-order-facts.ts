import type { Queryable } from "@teranga/kit/postgres/database.ts";

export interface OrderQuestion {
  clientId: string | null;
  idempotencyKey: string | null;
  productIds: string[];
}

export interface OrderFactsRow {
  /** Null if the question names no client. */
  clientExists: boolean | null;
  /** The committed order of the client's key. */
  keyedOrder: { transactionId: string; requestHash: string } | null;
  /** The available pieces of each product, in the order of the question. */
  available: number[];
}

/**
 * The facts that orders need before they are placed: one statement for a batch of
 * questions, answered in their order.
 */
export function getOrderFacts(sql: Queryable, questions: readonly OrderQuestion[]): Promise<OrderFactsRow[]> {
  return sql<OrderFactsRow[]>`
    select
      case when question ->> 'clientId' is null then null
        -- Not "exists", which PostgreSQL may plan as one look at the whole table.
        else (select true from client where id = question ->> 'clientId') is true end as "clientExists",
      (
        select jsonb_build_object('transactionId', transaction_id, 'requestHash', request_hash) from transaction_decision
        where kind = 'ORDER' and coalesce(client_id, '') = question ->> 'clientId' and idempotency_key = question ->> 'idempotencyKey'
          and state = 'COMMITTED'
      ) as "keyedOrder",
      array(
        select coalesce(available, 0)
        from jsonb_array_elements_text(question -> 'productIds') with ordinality as asked (product_id, place)
        left join stock on stock.product_id = asked.product_id collate "C"
        order by place
      ) as available
    from jsonb_array_elements(${sql.json(questions as never)}::jsonb) with ordinality as batch (question, position)
    order by position`;
}
