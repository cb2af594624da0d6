-- The home's side of the commit protocol: what all kinds of transactions have in common. commit_entry is the
-- commit point of every kind. Each kind has three functions, in 4-orders.sql or 5-transfers.sql: one locks
-- what a batch needs (commit_orders, …), one judges an entry (judge_order, …), one writes the effects
-- (write_order, …).
--
-- Deadlocks cannot happen: a commit locks clients in the order of ids (a transfer: its key, in the order of
-- hashes), then stock in the order of product ids, then writes decisions in the order of transaction ids. The
-- lock on the client's row makes the commits of one client happen one after the other, and so those of one
-- idempotency key and of one wallet.
--
-- `here` is this city. At `tell_at` the home begins to tell the participants itself.

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

-- Has the provider give back the money that it set aside for a transaction that will never happen.
create or replace function void_payment(transaction text, now_at timestamptz) returns void language sql as $$
  update payment set state = 'VOIDING', attempts = 0, next_attempt_at = now_at
  where transaction_id = transaction and state in ('AUTHORISING', 'AUTHORISED');
$$;

-- ===== The question for the outcome =====

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
