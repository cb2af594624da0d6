-- A participant's work for one order in classic two-phase commit, followed by PREPARE TRANSACTION. It takes
-- the stock at once, and its rows stay locked until COMMIT PREPARED. It writes its participation as
-- COMMITTED, so that after COMMIT PREPARED the row is the same as at the end of our own protocol.
create or replace function classic_prepare(entry jsonb, now_at timestamptz)
  returns table (state text, shortages jsonb) language plpgsql as $$
#variable_conflict use_column
declare
  transaction text := entry ->> 'transactionId';
begin
  perform from stock where product_id in (select line ->> 'productId' from jsonb_array_elements(entry -> 'lines') line)
    order by product_id for no key update;
  -- Written only once the stock rows are locked, so that an ABORT need not wait for a prepare that waits.
  insert into participation (transaction_id, kind, state, created_at, decided_at, next_attempt_at)
  values (transaction, entry ->> 'kind', 'COMMITTED', now_at, now_at, now_at)
  on conflict do nothing;
  if not found then
    -- The message came before, or an ABORT came before it.
    return query
      select case p.state when 'COMMITTED' then 'PREPARED' else p.state end, '[]'::jsonb
      from participation p where p.transaction_id = transaction;
    return;
  end if;
  shortages := (
    select coalesce(jsonb_agg(jsonb_build_object(
      'productId', line ->> 'productId', 'requested', (line ->> 'quantity')::integer, 'available', coalesce(available, 0))), '[]')
    from jsonb_array_elements(entry -> 'lines') line left join stock on product_id = line ->> 'productId'
    where coalesce(available, 0) < (line ->> 'quantity')::integer
  );
  if shortages <> '[]' then
    state := 'REFUSED';
    return next;
    return;
  end if;
  insert into reservation (transaction_id, product_id, quantity)
  select transaction, line ->> 'productId', (line ->> 'quantity')::integer
  from jsonb_array_elements(entry -> 'lines') line;
  update stock set on_hand = on_hand - (line ->> 'quantity')::integer, updated_at = now_at
  from jsonb_array_elements(entry -> 'lines') line where product_id = line ->> 'productId';
  insert into stock_movement (product_id, reason, on_hand_change, reserved_change, transaction_id, at)
  select line ->> 'productId', 'SOLD', -(line ->> 'quantity')::integer, 0, transaction, now_at
  from jsonb_array_elements(entry -> 'lines') line;
  state := 'PREPARED';
  return next;
end $$;
