-- What an order has taken can come back at any time, and what comes back cannot be refused: the transaction has been committed. So room
-- is kept for it from the moment it is taken. Without, transfers filled a level until `on_hand` overflowed, and a cancellation failed every
-- 5 s for good.

alter table stock
  -- Pieces that orders have taken and not given back. Below zero where a cancellation has overtaken the confirmation of its order, which
  -- is reserved still.
  add column returnable integer not null default 0;
-- A level that transfers have filled beyond what there is room for, or that has sold more than two billion pieces, keeps as much as there
-- is. The rest of the city must be able to start.
update stock set returnable = least(taken.pieces, 2000000000 - stock.on_hand::bigint) from (
  select m.product_id, -sum(m.on_hand_change) as pieces from stock_movement m left join participation p using (transaction_id)
  where m.reason in ('SOLD', 'RETURNED') or m.reason = 'CONFIRMED' and p.kind = 'ORDER' group by m.product_id
) taken where taken.product_id = stock.product_id and taken.pieces <> 0;
-- The same where nothing was taken.
update stock set returnable = 2000000000 - on_hand where on_hand > 2000000000 and returnable = 0;
alter table stock add constraint stock_keeps_room check (on_hand::bigint + returnable <= 2000000000);

-- How many more pieces a level can be given that nobody has to take: a billion at a time, two with all that may come back.
create function stock_room(on_hand integer, returnable integer) returns integer language sql immutable
  return greatest(0, least(1000000000 - on_hand, 2000000000 - on_hand::bigint - returnable))::integer;

-- As in 003, and keeps room for what orders take.
create or replace function move_stock(
  lines jsonb, on_hand_factor integer, reserved_factor integer, why text, transaction text, now_at timestamptz
) returns void language plpgsql as $$
declare
  -- What a transfer takes does not come back.
  returnable_factor integer := case
    when why in ('SOLD', 'RETURNED') then -on_hand_factor
    when why = 'CONFIRMED' and (select kind from participation where transaction_id = transaction) = 'ORDER' then -on_hand_factor
    else 0
  end;
begin
  update stock set
    on_hand = on_hand + on_hand_factor * (line ->> 'quantity')::integer,
    reserved = reserved + reserved_factor * (line ->> 'quantity')::integer,
    returnable = returnable + returnable_factor * (line ->> 'quantity')::integer,
    updated_at = now_at
  from jsonb_array_elements(lines) line where product_id = line ->> 'productId';
  insert into stock_movement (product_id, reason, on_hand_change, reserved_change, transaction_id, at)
  select line ->> 'productId', why, on_hand_factor * (line ->> 'quantity')::integer,
         reserved_factor * (line ->> 'quantity')::integer, transaction, now_at
  from jsonb_array_elements(lines) line;
end $$;

-- As in 007, but a transfer is judged too.
create or replace function commit_entry(kind text, entry jsonb, here text, now_at timestamptz, retry_at timestamptz)
  returns jsonb language plpgsql as $$
declare
  transaction text := entry ->> 'transactionId';
  digest text := md5(entry::text);
  owner_id text := coalesce(entry ->> 'clientId', (select client_id from orders where id = entry ->> 'orderId'));
  answer jsonb;
  earlier transaction_decision;
begin
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
  insert into transaction_decision
    (transaction_id, kind, state, client_id, idempotency_key, request_hash, message_digest, answer, decided_at)
  values
    (transaction, kind, case answer ->> 'state' when 'COMMITTED' then 'COMMITTED' else 'ABORTED' end, owner_id,
     entry ->> 'idempotencyKey', entry ->> 'requestHash', digest, answer, now_at)
  on conflict do nothing;
  if not found then
    -- A fence was committed between the look and the write: it was first, so it holds.
    select * into strict earlier from transaction_decision d where d.transaction_id = transaction;
    return repeat_answer(earlier, digest);
  end if;
  if answer ->> 'state' <> 'COMMITTED' then
    perform void_payment(transaction, now_at);
  elsif kind = 'ORDER' then
    perform write_order(entry, here, now_at, retry_at);
  elsif kind = 'CANCELLATION' then
    perform write_cancellation(entry, answer -> 'participants', here, now_at, retry_at);
  else
    perform write_transfer(entry, now_at, retry_at);
  end if;
  return answer || '{"isNew": true}';
end $$;

-- Whether there is room for what a transfer brings, as the answer that says so.
create function judge_transfer(entry jsonb) returns jsonb language plpgsql stable as $$
declare
  room integer := (select stock_room(on_hand, returnable) from stock where product_id = entry ->> 'productId');
begin
  if (entry ->> 'quantity')::integer > room then
    return jsonb_build_object('state', 'FULL', 'room', room);
  end if;
  return '{"state": "COMMITTED"}';
end $$;

-- The same for money: a refund cannot be refused either.
alter table wallet
  -- What purchases have taken and refunds not given back.
  add column refundable bigint not null default 0 check (refundable >= 0);
update wallet set refundable = spent.amount from (
  select e.client_id, -sum(e.amount) as amount from ledger_entry e join ledger_posting p on p.id = e.posting_id
  where e.account = 'WALLET' and p.reason in ('PURCHASE', 'REFUND') group by e.client_id
) spent where spent.client_id = wallet.client_id;
alter table wallet add constraint wallet_keeps_room check (balance + held + refundable <= 9007199254740991);

-- As in 005, and keeps room for what purchases take.
create or replace function post_to_wallet(
  owner_id text, change bigint, counter_account text, why text, transaction text, key text, now_at timestamptz
) returns bigint language plpgsql as $$
declare
  posting bigint;
  entry bigint;
begin
  update wallet set
    balance = balance + change,
    refundable = case why when 'TOP_UP' then refundable else refundable - change end
  where client_id = owner_id;
  insert into ledger_posting (reason, transaction_id, client_id, idempotency_key, at)
    values (why, transaction, case when transaction is null then owner_id end, key, now_at) returning id into posting;
  insert into ledger_entry (posting_id, account, client_id, amount) values (posting, 'WALLET', owner_id, change) returning id into entry;
  insert into ledger_entry (posting_id, account, amount) values (posting, counter_account, -change);
  return entry;
end $$;

-- As in 005, and leaves the room that is kept.
create or replace function top_up_wallet(owner_id text, change bigint, key text, balance_max bigint, now_at timestamptz)
  returns jsonb language plpgsql as $$
declare
  earlier record;
  known wallet;
begin
  perform from client where id = owner_id for no key update;
  if not found then
    return '{"state": "UNKNOWN_CLIENT"}';
  end if;
  select e.id, e.amount into earlier from ledger_posting p join ledger_entry e on e.posting_id = p.id and e.account = 'WALLET'
    where p.client_id = owner_id and p.idempotency_key = key and p.reason = 'TOP_UP';
  if found then
    return jsonb_build_object('entryId', earlier.id, 'state', case when earlier.amount = change then 'ADDED' else 'KEY_REUSED' end);
  end if;
  insert into wallet (client_id, balance) values (owner_id, 0) on conflict do nothing;
  select * into strict known from wallet where client_id = owner_id;
  if known.balance + change > balance_max or known.balance + known.held + known.refundable + change > 9007199254740991 then
    return jsonb_build_object('state', 'LIMIT', 'balance', known.balance);
  end if;
  return jsonb_build_object('state', 'ADDED', 'entryId', post_to_wallet(owner_id, change, 'CASH', 'TOP_UP', null, key, now_at));
end $$;
