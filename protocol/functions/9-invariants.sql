-- What must hold in a city's database after every transaction. The tests, the chaos run, the simulation and
-- `npm run verify` ask here. With psql: select * from broken_invariants().

-- Returns one row for each broken rule. Every rule holds at any time, not only at rest.
create or replace function broken_invariants()
  returns table (rule text, found jsonb) language sql stable as $$
  -- ===== Stock =====
  select 'what is reserved is on hand', to_jsonb(broken) from (
    select product_id, on_hand, reserved from stock where reserved < 0 or reserved > on_hand
  ) broken
  union all
  select 'a level is the sum of its movements', to_jsonb(broken) from (
    select product_id, stock.on_hand, stock.reserved from stock left join (
      select product_id, sum(on_hand_change) as on_hand, sum(reserved_change) as reserved
      from stock_movement group by 1
    ) moved using (product_id)
    where stock.on_hand <> coalesce(moved.on_hand, 0) or stock.reserved <> coalesce(moved.reserved, 0)
  ) broken
  union all
  select 'a level keeps room for what orders have taken and not given back', to_jsonb(broken) from (
    select product_id, returnable, pieces from stock left join (
      select m.product_id, -sum(m.on_hand_change) as pieces
      from stock_movement m left join participation p using (transaction_id)
      where m.reason in ('SOLD', 'RETURNED') or m.reason = 'CONFIRMED' and p.kind = 'ORDER' group by 1
    ) taken using (product_id)
    where returnable <> coalesce(pieces, 0)
  ) broken
  union all
  select 'what is reserved is what PREPARED transactions hold', to_jsonb(broken) from (
    select product_id, reserved, held from stock left join (
      select product_id, sum(quantity) as held from reservation join participation using (transaction_id)
      where state = 'PREPARED' group by 1
    ) holding using (product_id)
    where reserved <> coalesce(held, 0)
  ) broken
  union all

  -- ===== Participant =====
  select 'a participation has moved what it says, once', to_jsonb(broken) from (
    select transaction_id, product_id, quantity, reasons
    from participation p join reservation using (transaction_id) left join (
      select m.transaction_id, m.product_id, array_agg(m.reason order by m.reason) as reasons
      from stock_movement m join reservation r using (transaction_id, product_id)
      where abs(m.on_hand_change) + abs(m.reserved_change) in (r.quantity, 2 * r.quantity) group by 1, 2
    ) moved using (transaction_id, product_id)
    where reasons is distinct from case
      when p.state = 'PREPARED' then '{RESERVED}'
      when p.state = 'ABORTED' then '{RELEASED,RESERVED}'
      when p.kind = 'CANCELLATION' then '{RETURNED}'
      else '{CONFIRMED,RESERVED}'
    end::text[]
  ) broken
  union all

  -- ===== Home =====
  select 'what a home has moved is of a COMMITTED transaction', to_jsonb(broken) from (
    select transaction_id, product_id, reason from stock_movement m
    where starts_with(transaction_id, (select city_id from fragment) || ':') and not exists (
      select from transaction_decision d where d.transaction_id = m.transaction_id and d.state = 'COMMITTED'
    )
  ) broken
  union all
  select 'a COMMITTED transaction has happened', to_jsonb(broken) from (
    select transaction_id, kind from transaction_decision d
    where state = 'COMMITTED' and not exists (
      select from (
        select id from orders
        union all select cancelled_by from orders
        union all select t.transaction_id from stock_transfer t
      ) happened (id)
      where happened.id = d.transaction_id
    )
  ) broken
  union all
  select 'an order is placed by an ORDER and cancelled by a CANCELLATION', to_jsonb(broken) from (
    select o.id from orders o
    left join transaction_decision p on p.transaction_id = o.id
    left join transaction_decision c on c.transaction_id = o.cancelled_by
    where p.kind is distinct from 'ORDER' or p.state <> 'COMMITTED'
      or o.status = 'CANCELLED' and (c.kind is distinct from 'CANCELLATION' or c.state <> 'COMMITTED')
  ) broken
  union all
  select 'an order has sold what it was allocated here, and its cancellation has returned it',
    to_jsonb(broken)
  from (
    select a.order_id, a.product_id from order_allocation a join orders o on o.id = a.order_id
    left join (
      select transaction_id, product_id, -sum(on_hand_change) as quantity
      from stock_movement where reason = 'SOLD' group by 1, 2
    ) sold on sold.transaction_id = o.id and sold.product_id = a.product_id
    left join (
      select transaction_id, product_id, sum(on_hand_change) as quantity
      from stock_movement where reason = 'RETURNED' group by 1, 2
    ) returned on returned.transaction_id = o.cancelled_by and returned.product_id = a.product_id
    where a.city_id = (select city_id from fragment) and (
      a.quantity is distinct from sold.quantity
      or case status when 'CANCELLED' then a.quantity end is distinct from returned.quantity
    )
  ) broken
  union all
  select 'the allocations of an order add up to its lines, and its lines to its total', to_jsonb(broken)
  from (
    select order_id, product_id from order_line line where quantity is distinct from (
      select sum(quantity) from order_allocation a
      where a.order_id = line.order_id and a.product_id = line.product_id
    )
    union all
    select id, null from orders o
    where total is distinct from (select sum(quantity * unit_price) from order_line where order_id = o.id)
  ) broken
  union all
  select 'every sale and return is of an order or a participation, every arrival of a transfer',
    to_jsonb(broken)
  from (
    select transaction_id, reason from stock_movement m
    where reason in ('SOLD', 'RETURNED', 'TRANSFERRED')
      and not exists (select from orders where id = m.transaction_id and m.reason = 'SOLD')
      and not exists (select from orders where cancelled_by = m.transaction_id and m.reason = 'RETURNED')
      and not exists (
        select from participation p
        where p.transaction_id = m.transaction_id and p.kind = 'CANCELLATION' and m.reason = 'RETURNED'
      )
      and not exists (
        select from stock_transfer t where t.transaction_id = m.transaction_id
          and t.quantity = m.on_hand_change and t.product_id = m.product_id and m.reason = 'TRANSFERRED'
      )
  ) broken
  union all
  select 'a transfer has arrived, once', to_jsonb(broken) from (
    select t.transaction_id from stock_transfer t left join stock_movement m
      on m.transaction_id = t.transaction_id and m.on_hand_change = t.quantity
    group by 1 having count(m.transaction_id) <> 1
  ) broken
  union all
  select 'the participants of a commit give or get back what the order was allocated there', to_jsonb(broken)
  from (
    select transaction_id, p.city_id, p.lines
    from decision_participant p join transaction_decision d using (transaction_id) left join (
      select id, id from orders union all select cancelled_by, id from orders
    ) o (transaction_id, order_id) using (transaction_id)
    where d.kind <> 'TRANSFER' and p.lines is distinct from given_lines(o.order_id, p.city_id)
    union all
    select committed.transaction_id, a.city_id, null from orders o
    cross join unnest(array[o.id, o.cancelled_by]) committed (transaction_id)
    join order_allocation a on a.order_id = o.id and a.city_id <> (select city_id from fragment)
    where committed.transaction_id is not null and not exists (
      select from decision_participant p
      where p.transaction_id = committed.transaction_id and p.city_id = a.city_id
    )
  ) broken
  union all
  select 'the participant of a transfer gives what has arrived', to_jsonb(broken) from (
    select t.transaction_id, p.lines from stock_transfer t
    left join decision_participant p on p.transaction_id = t.transaction_id and p.city_id = t.from_city_id
    where p.lines is distinct from
      jsonb_build_array(jsonb_build_object('productId', t.product_id, 'quantity', t.quantity))
  ) broken
  union all
  select 'a key stands for one transaction of its kind', to_jsonb(broken) from (
    select kind, client_id, idempotency_key from transaction_decision where state = 'COMMITTED'
    group by 1, 2, 3 having count(*) > 1
  ) broken
  union all

  -- ===== Money =====
  select 'the entries of a posting add up to zero', to_jsonb(broken) from (
    select posting_id, sum(amount) from ledger_entry group by 1 having sum(amount) <> 0
    union all
    select id, 0 from ledger_posting p where not exists (select from ledger_entry where posting_id = p.id)
  ) broken
  union all
  select 'a wallet is the sum of its entries, and never below zero', to_jsonb(broken) from (
    select client_id, balance, held from wallet left join (
      select client_id, sum(amount) as amount from ledger_entry group by 1
    ) entered using (client_id)
    where balance + held <> coalesce(amount, 0) or balance < 0 or held < 0
  ) broken
  union all
  select 'a wallet keeps room for what its purchases have taken and refunds not given back', to_jsonb(broken)
  from (
    select wallet.client_id, refundable, spent from wallet left join (
      select e.client_id, -sum(e.amount) as spent
      from ledger_entry e join ledger_posting p on p.id = e.posting_id
      where p.reason <> 'TOP_UP' group by 1
    ) taken using (client_id)
    where refundable <> coalesce(spent, 0)
  ) broken
  union all
  select 'wallets are charged what their orders cost, and refunded what is cancelled', to_jsonb(broken) from (
    select transaction_id, reason, client_id, due.amount as due, posted.amount as posted from (
      select id as transaction_id, 'PURCHASE' as reason, client_id, -total as amount from orders
      where payment_method = 'WALLET' and total > 0
      union all
      select cancelled_by, 'REFUND', client_id, total from orders
      where payment_method = 'WALLET' and total > 0 and cancelled_by is not null
    ) due full join (
      select p.transaction_id, p.reason, e.client_id, sum(e.amount) as amount
      from ledger_posting p join ledger_entry e on e.posting_id = p.id and e.account = 'WALLET'
      where p.reason <> 'TOP_UP' group by 1, 2, 3
    ) posted using (transaction_id, reason, client_id)
    where due.amount is distinct from posted.amount
  ) broken
  union all
  select 'what was sold, less what was refunded, is what orders by wallet cost', to_jsonb(broken) from (
    select sold, cost from
      (select coalesce(sum(amount), 0) from ledger_entry where account = 'SALES') ledger (sold),
      (select coalesce(sum(total), 0) from orders where payment_method = 'WALLET' and status = 'PLACED')
        shop (cost)
    where sold <> cost
  ) broken
  union all
  select 'an order has one payment, which stands as the order does', to_jsonb(broken) from (
    select o.id, o.status, p.state from orders o left join payment p on p.transaction_id = o.id
    where (p.client_id, p.method, p.amount) is distinct from (o.client_id, o.payment_method, o.total)
      or not p.state = any (case
        when o.payment_method = 'WALLET' and o.status = 'PLACED' then '{CAPTURED}'
        when o.payment_method = 'WALLET' then '{REFUNDED}'
        when o.payment_method = 'CASH_ON_DELIVERY' and o.status = 'PLACED' then '{DUE}'
        when o.payment_method = 'CASH_ON_DELIVERY' then '{VOIDED}'
        -- A company outside is told of the order, and of its cancellation, afterwards.
        when o.status = 'PLACED' then '{AUTHORISED,CAPTURED}'
        else '{REFUNDING,REFUNDED}'
      end::text[])
    union all
    select transaction_id, null, state from payment
    where state in ('DUE', 'CAPTURED', 'REFUNDING', 'REFUNDED')
      and not exists (select from orders where id = transaction_id)
  ) broken;
$$;

-- What this city's committed transactions promise about other cities' stock. An
-- acknowledged promise has been carried out.
create or replace function promised_to_others()
  returns table (
    transaction_id text, city_id text, product_id text, on_hand_change integer, is_acknowledged boolean
  ) language sql stable as $$
  select promised.*, p.transaction_id is null or p.acknowledged_at is not null from (
    select order_id, city_id, product_id, -quantity from order_allocation
    union all
    select o.cancelled_by, city_id, product_id, quantity
    from order_allocation a join orders o on o.id = a.order_id where o.cancelled_by is not null
    union all
    select transaction_id, from_city_id, product_id, -quantity from stock_transfer
  ) promised (transaction_id, city_id, product_id, on_hand_change)
  left join decision_participant p using (transaction_id, city_id)
  where city_id <> (select city_id from fragment);
$$;

-- What other cities' transactions have changed in this city's stock.
create or replace function done_for_others()
  returns table (transaction_id text, city_id text, product_id text, on_hand_change integer)
  language sql stable as $$
  select transaction_id, (select city_id from fragment), product_id, on_hand_change from stock_movement
  where on_hand_change <> 0 and not starts_with(transaction_id, (select city_id from fragment) || ':');
$$;
