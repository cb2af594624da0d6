-- The home's side of the commit protocol. Each kind of transaction has three functions: one locks what a
-- batch needs (commit_orders, …), one judges an entry (judge_order, …), one writes the effects
-- (write_order, …). commit_entry is the commit point of every kind.
--
-- Deadlocks cannot happen: a commit locks clients in the order of ids (a transfer: its key, in the order of
-- hashes), then stock in the order of product ids, then writes decisions in the order of transaction ids. The
-- lock on the client's row makes the commits of one client happen one after the other, and so those of one
-- idempotency key and of one wallet.
--
-- `here` is this city. At `tell_at` the home begins to tell the participants itself.

-- ===== The messages =====

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

-- entries: [{"transactionId", "orderId", "idempotencyKey", "requestHash"}]
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

-- entries: [{"transactionId", "productId", "fromCityId", "quantity", "idempotencyKey", "requestHash"}]
-- A product that this city never had goes to `warehouse`.
create or replace function commit_transfers(
  entries jsonb, warehouse text, now_at timestamptz, tell_at timestamptz
) returns table (transaction_id text, answer jsonb) language plpgsql as $$
declare
  here text := (select city_id from fragment);
begin
  perform pg_advisory_xact_lock(key) from (
    select distinct hashtextextended(e ->> 'idempotencyKey', 0) as key
    from jsonb_array_elements(entries) e order by key
  ) keys;
  -- Missing stock rows are inserted before the locks, because lock_stock takes its locks in the order of
  -- products. A transfer that was decided before needs no row.
  insert into stock (product_id, warehouse, on_hand, updated_at)
    select distinct e ->> 'productId' collate "C" as product_id, warehouse, 0, now_at
    from jsonb_array_elements(entries) e
    where judge_key('TRANSFER', null, e) is null
      and not exists (select from transaction_decision d where d.transaction_id = e ->> 'transactionId')
    order by product_id
    on conflict do nothing;
  perform lock_stock(array(select e ->> 'productId' from jsonb_array_elements(entries) e));
  return query select * from commit_entries('TRANSFER', entries, here, now_at, tell_at);
end $$;

-- entries: [{"transactionId", "cityId"}]. An undecided transaction is fenced: decided ABORTED, for good.
-- Answers come in the order of the questions. A fence is written behind the horizon as well, since it too
-- waits for a commit of the same id that is under way.
create or replace function transaction_outcomes(entries jsonb, now_at timestamptz)
  returns table (transaction_id text, state text, lines jsonb, is_new boolean) language plpgsql as $$
#variable_conflict use_column
declare
  fenced text[];
  answered integer;
begin
  begin
    with inserted as (
      insert into transaction_decision (transaction_id, state, answer, decided_at)
      select id, 'ABORTED', '{"state": "ABORTED"}'::jsonb, now_at
      from (select distinct e ->> 'transactionId' as id from jsonb_array_elements(entries) e) asked
      order by id collate "C"
      on conflict (transaction_id) do nothing returning transaction_id
    ) select coalesce(array_agg(transaction_id), '{}') into fenced from inserted;
  exception
    -- A decision of the same id was deleted and written again while the fence was being written.
    when unique_violation then
      perform run_again(entries -> 0 ->> 'transactionId');
  end;
  perform void_payment(id, now_at) from unnest(fenced) id;
  return query
    select d.transaction_id, d.state, coalesce(p.lines, '[]'), d.transaction_id = any (fenced)
    from jsonb_array_elements(entries) with ordinality as asked (e, position)
    join transaction_decision d on d.transaction_id = e ->> 'transactionId'
    left join decision_participant p on p.transaction_id = d.transaction_id and p.city_id = e ->> 'cityId'
    order by position;
  get diagnostics answered = row_count;
  if answered <> jsonb_array_length(entries) then
    perform run_again(entries -> 0 ->> 'transactionId');
  end if;
end $$;

-- ===== The commit point =====

create or replace function commit_entries(
  kind text, entries jsonb, here text, now_at timestamptz, tell_at timestamptz
) returns table (transaction_id text, answer jsonb) language plpgsql as $$
declare
  entry jsonb;
begin
  for entry in select e from jsonb_array_elements(entries) e order by e ->> 'transactionId' collate "C" loop
    transaction_id := entry ->> 'transactionId';
    answer := commit_entry(kind, entry, here, now_at, tell_at);
    return next;
  end loop;
end $$;

-- The commit point of one transaction. The caller has taken the locks. Returns
-- {"state", "committedId"?, "shortages"?, "balance"?, "room"?, "participants"?, "isNew"?}.
-- `isNew` is true if this call has written the decision.
create or replace function commit_entry(
  kind text, entry jsonb, here text, now_at timestamptz, tell_at timestamptz
) returns jsonb language plpgsql as $$
declare
  transaction text := entry ->> 'transactionId';
  digest text := md5(entry::text);
  owner_id text := coalesce(
    entry ->> 'clientId', (select client_id from orders where id = entry ->> 'orderId')
  );
  answer jsonb;
  earlier transaction_decision;
begin
  -- An undecided commit behind the horizon is decided ABORTED, like any other refused commit.
  if is_behind_horizon(transaction) then
    insert into transaction_decision (transaction_id, kind, state, message_digest, answer, decided_at)
      values (transaction, kind, 'ABORTED', digest, '{"state": "TOO_OLD"}', now_at)
      on conflict do nothing;
    if found then
      perform void_payment(transaction, now_at);
      return '{"state": "TOO_OLD", "isNew": true}';
    end if;
  end if;
  select * into earlier from transaction_decision d where d.transaction_id = transaction;
  if found then
    return repeat_answer(earlier, digest);
  end if;
  answer := coalesce(judge_key(kind, owner_id, entry), case kind
    when 'ORDER' then judge_order(entry, here)
    when 'CANCELLATION' then judge_cancellation(entry, here)
    else judge_transfer(entry)
  end);
  if answer ->> 'state' = 'COMMITTED' then
    answer := answer || jsonb_build_object('committedId', transaction);
  end if;
  insert into transaction_decision (
    transaction_id, kind, state, client_id,
    idempotency_key, request_hash, message_digest, answer, decided_at
  ) values (
    transaction, kind, case answer ->> 'state' when 'COMMITTED' then 'COMMITTED' else 'ABORTED' end, owner_id,
    entry ->> 'idempotencyKey', entry ->> 'requestHash', digest, answer, now_at
  ) on conflict do nothing;
  if not found then
    -- A fence was committed between the read and the insert. It came first, so it holds.
    select * into strict earlier from transaction_decision d where d.transaction_id = transaction;
    return repeat_answer(earlier, digest);
  end if;
  if answer ->> 'state' <> 'COMMITTED' then
    perform void_payment(transaction, now_at);
  elsif kind = 'ORDER' then
    perform write_order(entry, here, now_at, tell_at);
  elsif kind = 'CANCELLATION' then
    perform write_cancellation(entry, answer -> 'participants', here, now_at, tell_at);
  else
    perform write_transfer(entry, now_at, tell_at);
  end if;
  return answer || '{"isNew": true}';
end $$;

-- The answer to a repeated commit of a decided transaction. Another message under its id is a VIOLATION.
create or replace function repeat_answer(earlier transaction_decision, digest text)
  returns jsonb language sql immutable as $$
  select case
    when earlier.message_digest is null or earlier.message_digest = digest then earlier.answer
    else '{"state": "VIOLATION"}'
  end;
$$;

-- The answer for an idempotency key that was used before; null if the key is unused.
create or replace function judge_key(wanted_kind text, owner_id text, entry jsonb)
  returns jsonb language sql stable as $$
  select jsonb_build_object(
    'state', case when request_hash = entry ->> 'requestHash' then 'REPLAYED' else 'KEY_REUSED' end,
    'committedId', transaction_id, 'participants', answer -> 'participants'
  )
  from transaction_decision
  where kind = wanted_kind and coalesce(client_id, '') = coalesce(owner_id, '')
    and idempotency_key = entry ->> 'idempotencyKey' and state = 'COMMITTED';
$$;

-- ===== Orders =====

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

-- The lines that one city has given to a recorded order, in the order of product ids.
create or replace function given_lines(ordered text, city text) returns jsonb language sql stable as $$
  select coalesce(
    jsonb_agg(jsonb_build_object('productId', product_id, 'quantity', quantity) order by product_id), '[]'
  )
  from order_allocation where order_id = ordered and city_id = city;
$$;

-- ===== Cancellations =====

-- Judges a cancellation. The answer lists the participants and what each gets back, so that
-- the orchestrator can tell them.
create or replace function judge_cancellation(entry jsonb, here text)
  returns jsonb language plpgsql stable as $$
declare
  cancelled orders;
begin
  select * into cancelled from orders where id = entry ->> 'orderId';
  if not found then
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

-- ===== Transfers =====

-- Judges whether the level has room for the pieces of a transfer. The answer is
-- COMMITTED, or FULL and the room.
create or replace function judge_transfer(entry jsonb) returns jsonb language plpgsql stable as $$
declare
  room integer := (
    select stock_room(on_hand, returnable) from stock where product_id = entry ->> 'productId'
  );
begin
  if (entry ->> 'quantity')::integer > room then
    return jsonb_build_object('state', 'FULL', 'room', room);
  end if;
  return '{"state": "COMMITTED"}';
end $$;

create or replace function write_transfer(entry jsonb, now_at timestamptz, tell_at timestamptz)
  returns void language plpgsql as $$
declare
  transaction text := entry ->> 'transactionId';
  lines jsonb := sorted_lines(jsonb_build_array(entry));
begin
  insert into stock_transfer (transaction_id, product_id, from_city_id, quantity)
    values (transaction, entry ->> 'productId', entry ->> 'fromCityId', (entry ->> 'quantity')::integer);
  insert into decision_participant (transaction_id, city_id, lines, next_attempt_at)
    values (transaction, entry ->> 'fromCityId', lines, tell_at);
  perform move_stock(lines, 1, 0, 'TRANSFERRED', transaction, now_at);
end $$;

-- ===== Payments by a provider outside =====

-- Has the provider give back the money that it set aside for a transaction that will never happen.
create or replace function void_payment(transaction text, now_at timestamptz) returns void language sql as $$
  update payment set state = 'VOIDING', attempts = 0, next_attempt_at = now_at
  where transaction_id = transaction and state in ('AUTHORISING', 'AUTHORISED');
$$;
