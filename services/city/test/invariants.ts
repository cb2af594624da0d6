/** What must hold in the database of a city after every transaction, as queries that find what breaks it. */

export const INVARIANTS: Record<string, string> = {
  "the movements of a product add up to its level": `
    select product_id, stock.on_hand, stock.reserved from stock left join (
      select product_id, sum(on_hand_change) as on_hand, sum(reserved_change) as reserved from stock_movement group by 1
    ) moved using (product_id)
    where stock.on_hand <> coalesce(moved.on_hand, 0) or stock.reserved <> coalesce(moved.reserved, 0)`,
  "a level keeps room for what orders have taken and not given back": `
    select product_id, returnable, pieces from stock left join (
      select m.product_id, -sum(m.on_hand_change) as pieces from stock_movement m left join participation p using (transaction_id)
      where m.reason in ('SOLD', 'RETURNED') or m.reason = 'CONFIRMED' and p.kind = 'ORDER' group by 1
    ) taken using (product_id) where returnable <> coalesce(pieces, 0)`,
  "what is reserved is what PREPARED transactions hold": `
    select product_id, reserved, held from stock left join (
      select product_id, sum(quantity) as held from reservation join participation using (transaction_id)
      where state = 'PREPARED' group by 1
    ) holding using (product_id) where reserved <> coalesce(held, 0)`,
  "a participation has moved what it says, once": `
    select transaction_id, product_id, quantity, reasons from (
      select p.transaction_id, product_id, quantity, case
          when state = 'PREPARED' then '{RESERVED}' when state = 'ABORTED' then '{RELEASED,RESERVED}'
          when kind = 'CANCELLATION' then '{RETURNED}' else '{CONFIRMED,RESERVED}'
        end::text[] as expected, (
          select array_agg(reason order by reason) from stock_movement m
          where m.transaction_id = p.transaction_id and m.product_id = r.product_id
            and abs(m.on_hand_change) + abs(m.reserved_change) in (quantity, 2 * quantity)
        ) as reasons
      from participation p join reservation r using (transaction_id)
    ) moved where reasons is distinct from expected`,
  "an order has sold what it was allocated here, and its cancellation has returned it": `
    select a.order_id, a.product_id from order_allocation a join orders o on o.id = a.order_id
    where a.city_id = (select city_id from fragment) and (
      a.quantity is distinct from (
        select -sum(on_hand_change) from stock_movement m
        where m.transaction_id = o.id and m.product_id = a.product_id and reason = 'SOLD')
      or case status when 'CANCELLED' then a.quantity end is distinct from (
        select sum(on_hand_change) from stock_movement m
        where m.transaction_id = o.cancelled_by and m.product_id = a.product_id and reason = 'RETURNED'))`,
  "every sale and return is of an order or a participation, every arrival of a transfer": `
    select transaction_id, reason from stock_movement m where reason in ('SOLD', 'RETURNED', 'TRANSFERRED')
      and not exists (select from orders where m.transaction_id = case m.reason when 'SOLD' then id when 'RETURNED' then cancelled_by end)
      and not exists (select from participation p where p.transaction_id = m.transaction_id and p.kind = 'CANCELLATION' and m.reason = 'RETURNED')
      and not exists (
        select from stock_transfer t where t.transaction_id = m.transaction_id and t.quantity = m.on_hand_change
          and t.product_id = m.product_id and m.reason = 'TRANSFERRED')`,
  "a transfer has arrived, once": `
    select transaction_id from stock_transfer t where 1 <> (
      select count(*) from stock_movement m where m.transaction_id = t.transaction_id and m.on_hand_change = t.quantity)`,
  "the participants of a commit give or get back what the order was allocated there": `
    select d.transaction_id, p.city_id, p.lines from decision_participant p join transaction_decision d using (transaction_id)
    left join orders o on d.transaction_id in (o.id, o.cancelled_by)
    where d.kind <> 'TRANSFER' and p.lines is distinct from (
      select jsonb_agg(jsonb_build_object('productId', product_id, 'quantity', quantity) order by product_id)
      from order_allocation a where a.order_id = o.id and a.city_id = p.city_id)`,
  "the entries of a posting add up to zero": `
    select posting_id, sum(amount) from ledger_entry group by 1 having sum(amount) <> 0
    union all select id, 0 from ledger_posting where id not in (select posting_id from ledger_entry)`,
  "what a wallet can spend and what it holds is what its entries add up to, and never less than nothing": `
    select client_id, balance, held from wallet left join (
      select client_id, sum(amount) as amount from ledger_entry group by 1
    ) entered using (client_id) where balance + held <> coalesce(amount, 0) or balance < 0 or held < 0`,
  "a wallet keeps room for what its purchases have taken and refunds not given back": `
    select wallet.client_id, refundable, spent from wallet left join (
      select e.client_id, -sum(e.amount) as spent from ledger_entry e join ledger_posting p on p.id = e.posting_id
      where p.reason <> 'TOP_UP' group by 1
    ) taken using (client_id) where refundable <> coalesce(spent, 0)`,
  "what was sold, less what was refunded, is what the wallets' orders cost": `
    select sold, cost from
      (select coalesce(sum(amount), 0) as sold from ledger_entry where account = 'SALES') ledger,
      (select coalesce(sum(total), 0) as cost from orders where payment_method = 'WALLET' and status = 'PLACED') shop
    where sold <> cost`,
  "an order has one payment, which stands as the order does": `
    select o.id, o.status, p.state from orders o left join payment p on p.transaction_id = o.id
    where (p.client_id, p.method, p.amount) is distinct from (o.client_id, o.payment_method, o.total)
      or o.payment_method in ('WALLET', 'CASH_ON_DELIVERY') and p.state is distinct from case
        when o.payment_method = 'WALLET' and o.status = 'PLACED' then 'CAPTURED' when o.payment_method = 'WALLET' then 'REFUNDED'
        when o.status = 'PLACED' then 'DUE' else 'VOIDED' end`,
  "a wallet's order was charged once, and refunded once if it is cancelled": `
    select o.id from orders o where payment_method = 'WALLET' and (
      case when total > 0 then -total end is distinct from (
        select sum(amount) from ledger_entry e join ledger_posting p on p.id = e.posting_id
        where p.transaction_id = o.id and e.client_id = o.client_id and p.reason = 'PURCHASE')
      or case when total > 0 and status = 'CANCELLED' then total end is distinct from (
        select sum(amount) from ledger_entry e join ledger_posting p on p.id = e.posting_id
        where p.transaction_id = o.cancelled_by and e.client_id = o.client_id and p.reason = 'REFUND'))`,
  "an order is placed by an ORDER and cancelled by a CANCELLATION": `
    select o.id from orders o
    left join transaction_decision p on p.transaction_id = o.id
    left join transaction_decision c on c.transaction_id = o.cancelled_by
    where p.kind is distinct from 'ORDER' or p.state <> 'COMMITTED'
      or o.status = 'CANCELLED' and (c.kind is distinct from 'CANCELLATION' or c.state <> 'COMMITTED')`,
  "a key stands for one transaction of its kind": `
    select kind, client_id, idempotency_key from transaction_decision where state = 'COMMITTED'
    group by 1, 2, 3 having count(*) > 1`,
};

/** Runs every query; what is broken, with the rows that say so. */
export async function brokenInvariants(
  query: (text: string) => Promise<readonly object[]>,
): Promise<Record<string, readonly object[]>> {
  const broken: Record<string, readonly object[]> = {};
  for (const [rule, text] of Object.entries(INVARIANTS)) {
    const rows = await query(text);
    if (rows.length > 0) broken[rule] = rows;
  }
  return broken;
}
