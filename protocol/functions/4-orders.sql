-- Orders and their cancellations, at their home: what is locked, judged and written.

-- ===== Orders =====

-- entries: [{"transactionId", "clientId", "idempotencyKey", "requestHash", "paymentMethod",
--            "lines": [{"productId", "quantity", "unitPrice"}],
--            "allocations": [{"cityId", "productId", "quantity"}]}]
-- The service has checked that transaction ids are distinct and that the allocations add up to the lines.
create or replace function commit_orders(entries jsonb, now_at timestamptz, tell_at timestamptz)
  returns table (transaction_id text, answer jsonb) language plpgsql as $$
declare
  here text := (select city_id from fragment);
begin
  perform from client where id = any (array(select e ->> 'clientId' from jsonb_array_elements(entries) e))
    order by id for no key update;
  perform lock_stock(array(
    select a ->> 'productId' from jsonb_array_elements(entries) e, jsonb_array_elements(e -> 'allocations') a
    where a ->> 'cityId' = here
  ));
  return query select * from commit_entries('ORDER', entries, here, now_at, tell_at);
end $$;

-- Judges whether an order can be committed now, and answers so. Money comes before stock: other cities could
-- help with stock, but not with money.
create or replace function judge_order(entry jsonb, here text) returns jsonb language plpgsql stable as $$
declare
  total bigint := order_total(entry);
  held bigint;
  short jsonb;
begin
  if not exists (select from client where id = entry ->> 'clientId') then
    return '{"state": "UNKNOWN_CLIENT"}';
  end if;
  if entry ->> 'paymentMethod' = 'WALLET' then
    held := coalesce((select balance from wallet where client_id = entry ->> 'clientId'), 0);
    if held < total then
      return jsonb_build_object('state', 'DECLINED', 'balance', held);
    end if;
  elsif entry ->> 'paymentMethod' <> 'CASH_ON_DELIVERY' and not exists (
    select from payment where transaction_id = entry ->> 'transactionId'
      and method = entry ->> 'paymentMethod' and amount = total and state = 'AUTHORISED'
  ) then
    return '{"state": "DECLINED"}';
  end if;
  short := stock_shortages(allocated_lines(entry, here));
  if short <> '[]' then
    return jsonb_build_object('state', 'REFUSED', 'shortages', short);
  end if;
  return '{"state": "COMMITTED"}';
end $$;

create or replace function write_order(entry jsonb, here text, now_at timestamptz, tell_at timestamptz)
  returns void language plpgsql as $$
declare
  transaction text := entry ->> 'transactionId';
  buyer_id text := entry ->> 'clientId';
  paid_by text := entry ->> 'paymentMethod';
  cost bigint := order_total(entry);
begin
  insert into orders (id, client_id, status, total, payment_method, placed_at)
    values (transaction, buyer_id, 'PLACED', cost, paid_by, now_at);
  insert into order_line (order_id, product_id, quantity, unit_price)
  select transaction, line ->> 'productId', (line ->> 'quantity')::integer, (line ->> 'unitPrice')::bigint
  from jsonb_array_elements(entry -> 'lines') line;
  insert into order_allocation (order_id, product_id, city_id, quantity)
  select transaction, a ->> 'productId', a ->> 'cityId', (a ->> 'quantity')::integer
  from jsonb_array_elements(entry -> 'allocations') a;
  insert into decision_participant (transaction_id, city_id, lines, next_attempt_at)
  select distinct transaction, a ->> 'cityId', allocated_lines(entry, a ->> 'cityId'), tell_at
  from jsonb_array_elements(entry -> 'allocations') a where a ->> 'cityId' <> here;
  perform move_stock(allocated_lines(entry, here), -1, 0, 'SOLD', transaction, now_at);
  if paid_by = 'WALLET' and cost > 0 then
    perform post_to_wallet(buyer_id, -cost, 'SALES', 'PURCHASE', transaction, null, now_at);
  end if;
  if paid_by in ('WALLET', 'CASH_ON_DELIVERY') then
    insert into payment (transaction_id, client_id, method, amount, state) values (
      transaction, buyer_id, paid_by, cost, case paid_by when 'WALLET' then 'CAPTURED' else 'DUE' end
    );
  else
    -- The provider is due to be told to take the money.
    update payment set next_attempt_at = now_at where transaction_id = transaction and state = 'AUTHORISED';
  end if;
end $$;

create or replace function order_total(entry jsonb) returns bigint language sql immutable as $$
  select sum((line ->> 'quantity')::bigint * (line ->> 'unitPrice')::bigint)::bigint
  from jsonb_array_elements(entry -> 'lines') line;
$$;

-- The lines that one city gives to an order that is about to be written, in the order of product ids.
create or replace function allocated_lines(entry jsonb, city text) returns jsonb language sql immutable as $$
  select sorted_lines(coalesce(jsonb_agg(allocation), '[]'))
  from jsonb_array_elements(entry -> 'allocations') allocation where allocation ->> 'cityId' = city;
$$;

-- ===== Cancellations =====

-- entries: [{"transactionId", "orderId", "clientId", "idempotencyKey", "requestHash"}]. The client
-- is there if one asks, who may cancel its own orders.
create or replace function commit_cancellations(entries jsonb, now_at timestamptz, tell_at timestamptz)
  returns table (transaction_id text, answer jsonb) language plpgsql as $$
declare
  here text := (select city_id from fragment);
  cancelled text[] := array(select e ->> 'orderId' from jsonb_array_elements(entries) e);
begin
  perform from client where id = any (array(select client_id from orders where id = any (cancelled)))
    order by id for no key update;
  perform lock_stock(array(
    select product_id from order_allocation where order_id = any (cancelled) and city_id = here
  ));
  -- The settling of payments locks them in this order too.
  perform from payment where payment.transaction_id = any (cancelled)
    order by payment.transaction_id for no key update;
  return query select * from commit_entries('CANCELLATION', entries, here, now_at, tell_at);
end $$;

-- Judges a cancellation. The answer lists the participants and what each gets back, so that
-- the orchestrator can tell them.
create or replace function judge_cancellation(entry jsonb, here text)
  returns jsonb language plpgsql stable as $$
declare
  cancelled orders;
begin
  select * into cancelled from orders where id = entry ->> 'orderId';
  -- To a client, an order of another one does not exist.
  if not found or cancelled.client_id <> coalesce(entry ->> 'clientId', cancelled.client_id) then
    return '{"state": "UNKNOWN_ORDER"}';
  elsif cancelled.status = 'CANCELLED' then
    return jsonb_build_object('state', 'ALREADY_CANCELLED', 'committedId', cancelled.cancelled_by);
  end if;
  return jsonb_build_object('state', 'COMMITTED', 'participants', (
    select coalesce(
      jsonb_agg(
        jsonb_build_object('cityId', city_id, 'lines', given_lines(cancelled.id, city_id)) order by city_id
      ),
      '[]'
    )
    from (
      select distinct city_id from order_allocation where order_id = cancelled.id and city_id <> here
    ) participant
  ));
end $$;

create or replace function write_cancellation(
  entry jsonb, participants jsonb, here text, now_at timestamptz, tell_at timestamptz
) returns void language plpgsql as $$
declare
  transaction text := entry ->> 'transactionId';
  cancelled orders;
begin
  update orders set status = 'CANCELLED', cancelled_by = transaction, cancelled_at = now_at
    where id = entry ->> 'orderId' returning * into strict cancelled;
  insert into decision_participant (transaction_id, city_id, lines, next_attempt_at)
  select transaction, participant ->> 'cityId', participant -> 'lines', tell_at
  from jsonb_array_elements(participants) participant;
  perform move_stock(given_lines(cancelled.id, here), 1, 0, 'RETURNED', transaction, now_at);
  if cancelled.payment_method = 'WALLET' and cancelled.total > 0 then
    perform post_to_wallet(
      cancelled.client_id, cancelled.total, 'SALES', 'REFUND', transaction, null, now_at
    );
  end if;
  -- A provider outside gives back authorised money in the same way as money that it has taken.
  update payment set
    state = case when state = 'DUE' then 'VOIDED' when method = 'WALLET' then 'REFUNDED' else 'REFUNDING' end,
    attempts = 0,
    next_attempt_at = case when method not in ('WALLET', 'CASH_ON_DELIVERY') then now_at end
  where transaction_id = cancelled.id;
end $$;

-- The lines that one city has given to a recorded order, in the order of product ids.
create or replace function given_lines(ordered text, city text) returns jsonb language sql stable as $$
  select coalesce(
    jsonb_agg(jsonb_build_object('productId', product_id, 'quantity', quantity) order by product_id), '[]'
  )
  from order_allocation where order_id = ordered and city_id = city;
$$;
