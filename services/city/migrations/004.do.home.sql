-- The home side of the commit protocol, a batch a call.
--
-- Deadlocks cannot happen: commits lock clients in the order of ids, then stock in the order of product ids, and both functions
-- then write decisions in the order of transaction ids. Holding the client's row makes the commits of one client, and so of one
-- idempotency key, happen one after the other.

-- entries: [{"transactionId", "clientId", "idempotencyKey", "requestHash", "paymentMethod",
--            "lines": [{"productId", "quantity", "unitPrice"}], "allocations": [{"cityId", "productId", "quantity"}]}]
-- Transaction ids are distinct, the allocations add up to the lines: the service has checked.
create function commit_orders(entries jsonb, now_at timestamptz, retry_at timestamptz)
  returns table (transaction_id text, state text, order_id text, shortages jsonb) language plpgsql as $$
#variable_conflict use_column
declare
  entry jsonb;
  here text := (select city_id from fragment);
  answer jsonb;
begin
  perform from client where id in (select e ->> 'clientId' from jsonb_array_elements(entries) e)
    order by id for no key update;
  perform lock_stock(array(
    select a ->> 'productId' from jsonb_array_elements(entries) e, jsonb_array_elements(e -> 'allocations') a
    where a ->> 'cityId' = here
  ));
  for entry in select e from jsonb_array_elements(entries) e order by e ->> 'transactionId' collate "C" loop
    answer := commit_order(entry, here, now_at, retry_at);
    transaction_id := entry ->> 'transactionId';
    state := answer ->> 'state';
    order_id := answer ->> 'orderId';
    shortages := coalesce(answer -> 'shortages', '[]');
    return next;
  end loop;
end $$;

-- The commit point of one order; its answer as {"state", "orderId"?, "shortages"?}. Client and stock rows are locked.
create function commit_order(entry jsonb, here text, now_at timestamptz, retry_at timestamptz)
  returns jsonb language plpgsql as $$
declare
  transaction text := entry ->> 'transactionId';
  digest text := md5(entry::text);
  answer jsonb;
  earlier transaction_decision;
begin
  select * into earlier from transaction_decision d where d.transaction_id = transaction;
  if found then
    return repeat_answer(earlier, digest);
  end if;
  answer := judge_order(entry, here);
  insert into transaction_decision
    (transaction_id, kind, state, client_id, idempotency_key, request_hash, message_digest, answer, decided_at)
  values
    (transaction, 'ORDER', case answer ->> 'state' when 'COMMITTED' then 'COMMITTED' else 'ABORTED' end, entry ->> 'clientId',
     entry ->> 'idempotencyKey', entry ->> 'requestHash', digest, answer, now_at)
  on conflict (transaction_id) do nothing;
  if not found then
    -- A fence was committed between the look and the write: it was first, so it holds.
    select * into strict earlier from transaction_decision d where d.transaction_id = transaction;
    return repeat_answer(earlier, digest);
  end if;
  if answer ->> 'state' = 'COMMITTED' then
    perform write_order(entry, here, now_at, retry_at);
  end if;
  return answer;
end $$;

create function repeat_answer(earlier transaction_decision, digest text) returns jsonb language sql immutable as $$
  select case
    when earlier.message_digest is null or earlier.message_digest = digest then earlier.answer
    else '{"state": "VIOLATION"}'
  end;
$$;

-- Whether an order can be committed now, as the answer that says so.
create function judge_order(entry jsonb, here text) returns jsonb language plpgsql stable as $$
declare
  earlier transaction_decision;
  short jsonb;
begin
  if not exists (select from client where id = entry ->> 'clientId') then
    return '{"state": "UNKNOWN_CLIENT"}';
  end if;
  select * into earlier from transaction_decision d
    where d.client_id = entry ->> 'clientId' and d.idempotency_key = entry ->> 'idempotencyKey' and d.state = 'COMMITTED';
  if found then
    return jsonb_build_object('orderId', earlier.transaction_id, 'state',
      case when earlier.request_hash = entry ->> 'requestHash' then 'REPLAYED' else 'KEY_REUSED' end);
  end if;
  short := stock_shortages(allocated_lines(entry, here));
  if short <> '[]' then
    return jsonb_build_object('state', 'REFUSED', 'shortages', short);
  end if;
  return jsonb_build_object('state', 'COMMITTED', 'orderId', entry ->> 'transactionId');
end $$;

-- What one city gives, as lines in the order of product ids.
create function allocated_lines(entry jsonb, city text) returns jsonb language sql immutable as $$
  select sorted_lines(coalesce(jsonb_agg(allocation), '[]'))
  from jsonb_array_elements(entry -> 'allocations') allocation where allocation ->> 'cityId' = city;
$$;

create function write_order(entry jsonb, here text, now_at timestamptz, retry_at timestamptz)
  returns void language plpgsql as $$
declare
  transaction text := entry ->> 'transactionId';
begin
  insert into orders (id, client_id, status, total, payment_method, placed_at)
  select transaction, entry ->> 'clientId', 'PLACED',
         sum((line ->> 'quantity')::bigint * (line ->> 'unitPrice')::bigint), entry ->> 'paymentMethod', now_at
  from jsonb_array_elements(entry -> 'lines') line;
  insert into order_line (order_id, product_id, quantity, unit_price)
  select transaction, line ->> 'productId', (line ->> 'quantity')::integer, (line ->> 'unitPrice')::bigint
  from jsonb_array_elements(entry -> 'lines') line;
  insert into order_allocation (order_id, product_id, city_id, quantity)
  select transaction, a ->> 'productId', a ->> 'cityId', (a ->> 'quantity')::integer
  from jsonb_array_elements(entry -> 'allocations') a;
  insert into decision_participant (transaction_id, city_id, lines, next_attempt_at)
  select distinct transaction, a ->> 'cityId', allocated_lines(entry, a ->> 'cityId'), retry_at
  from jsonb_array_elements(entry -> 'allocations') a where a ->> 'cityId' <> here;
  perform move_stock(allocated_lines(entry, here), -1, 0, 'SOLD', transaction, now_at);
end $$;

-- entries: [{"transactionId", "cityId"}]. One that is undecided is fenced: decided ABORTED, for good. Answers come in the order asked.
create function transaction_outcomes(entries jsonb, now_at timestamptz)
  returns table (transaction_id text, state text, lines jsonb) language plpgsql as $$
#variable_conflict use_column
begin
  insert into transaction_decision (transaction_id, kind, state, answer, decided_at)
  select id, 'ORDER', 'ABORTED', '{"state": "ABORTED"}'::jsonb, now_at
  from (select distinct e ->> 'transactionId' as id from jsonb_array_elements(entries) e) asked order by id collate "C"
  on conflict (transaction_id) do nothing;
  return query
    select d.transaction_id, d.state, coalesce(p.lines, '[]')
    from jsonb_array_elements(entries) with ordinality as asked (e, position)
    join transaction_decision d on d.transaction_id = e ->> 'transactionId'
    left join decision_participant p on p.transaction_id = d.transaction_id and p.city_id = e ->> 'cityId'
    order by position;
end $$;
