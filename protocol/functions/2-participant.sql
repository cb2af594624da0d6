-- The participant's side of the commit protocol, for every kind of transaction. Each call takes a batch.
--
-- An order and a transfer take the stock that was set aside for them. A cancellation gives stock back. It
-- needs no prepare, since giving back cannot be refused. It may arrive before the confirmation of the order
-- that it cancels, because the two commute.
--
-- Deadlocks cannot happen: every function locks participations in the order of transaction ids, then stock in
-- the order of product ids.

-- What a transaction holds or was given, as lines in the order of product ids.
create or replace function reserved_lines(transaction text) returns jsonb language sql stable as $$
  select coalesce(
    jsonb_agg(jsonb_build_object('productId', product_id, 'quantity', quantity) order by product_id), '[]'
  )
  from reservation where transaction_id = transaction;
$$;

-- entries: [{"transactionId", "kind", "deadline", "lines"}].
-- The service has checked that transaction ids are distinct, that product ids are distinct within an entry,
-- and that quantities are positive.
-- A prepare that is behind the horizon and has no row is TOO_OLD, now and for ever, and leaves no row.
create or replace function prepare_transactions(entries jsonb, now_at timestamptz)
  returns table (transaction_id text, state text, shortages jsonb) language plpgsql as $$
#variable_conflict use_column
declare
  entry jsonb;
  fresh text[];
  wanted jsonb;
  too_old text[] := array(
    select e ->> 'transactionId' from jsonb_array_elements(entries) e, horizon
    where split_part(e ->> 'transactionId', ':', 2) collate "C" < bound
      and not exists (select from participation p where p.transaction_id = e ->> 'transactionId')
  );
begin
  if too_old <> '{}' then
    entries := (
      select coalesce(jsonb_agg(e order by position), '[]')
      from jsonb_array_elements(entries) with ordinality as asked (e, position)
      where e ->> 'transactionId' <> all (too_old)
    );
  end if;
  with inserted as (
    insert into participation (transaction_id, kind, state, deadline, created_at, next_attempt_at)
    select e ->> 'transactionId', e ->> 'kind', 'PREPARED', (e ->> 'deadline')::timestamptz, now_at,
           (e ->> 'deadline')::timestamptz
    from jsonb_array_elements(entries) e order by e ->> 'transactionId' collate "C"
    on conflict do nothing returning transaction_id
  ) select coalesce(array_agg(transaction_id), '{}') into fresh from inserted;
  perform from participation
    where transaction_id = any (array(select e ->> 'transactionId' from jsonb_array_elements(entries) e))
    order by transaction_id for no key update;
  perform lock_stock(array(
    select line ->> 'productId' from jsonb_array_elements(entries) e, jsonb_array_elements(e -> 'lines') line
  ));

  for entry in select e from jsonb_array_elements(entries) e loop
    transaction_id := entry ->> 'transactionId';
    wanted := sorted_lines(entry -> 'lines');
    shortages := '[]';
    if transaction_id = any (fresh) then
      shortages := stock_shortages(wanted);
      if shortages = '[]' then
        insert into reservation (transaction_id, product_id, quantity)
        select entry ->> 'transactionId', line ->> 'productId', (line ->> 'quantity')::integer
        from jsonb_array_elements(wanted) line;
        perform move_stock(wanted, 0, 1, 'RESERVED', transaction_id, now_at);
        state := 'PREPARED';
      else
        -- The refusal is recorded. Otherwise a later copy of the message could prepare
        -- what the orchestrator gave up.
        update participation p set state = 'ABORTED', decided_at = now_at
          where p.transaction_id = entry ->> 'transactionId';
        state := 'REFUSED';
      end if;
    else
      select case
          when p.state = 'ABORTED' then 'ABORTED'
          when p.kind is not distinct from entry ->> 'kind' and reserved_lines(p.transaction_id) = wanted
            then 'PREPARED'
          else 'VIOLATION'
        end
      into state from participation p where p.transaction_id = entry ->> 'transactionId';
      if not found then
        perform run_again(transaction_id);
      end if;
    end if;
    return next;
  end loop;
  return query select id, 'TOO_OLD', '[]'::jsonb from unnest(too_old) id;
end $$;

-- entries: [{"transactionId", "kind", "decision": "COMMITTED" | "ABORTED", "lines"}].
-- Transaction ids are distinct; a cancellation is always COMMITTED. `is_new` is true if this
-- call has applied the decision.
-- An ABORT that comes before its prepare inserts a row even behind the horizon. The row does no harm and is
-- deleted by a later pruning.
create or replace function decide_transactions(entries jsonb, now_at timestamptz)
  returns table (transaction_id text, state text, is_new boolean) language plpgsql as $$
#variable_conflict use_column
declare
  entry jsonb;
  fresh text[];
  locked text[];
  lines jsonb;
begin
  -- An ABORT that comes before its prepare inserts a row, and the row refuses the prepare. The call
  -- that inserts the row of a cancellation also applies it. A cancellation cannot give back a
  -- product that this city never had.
  with inserted as (
    insert into participation (transaction_id, kind, state, created_at, decided_at, next_attempt_at)
    select e ->> 'transactionId', e ->> 'kind', e ->> 'decision', now_at, now_at, now_at
    from jsonb_array_elements(entries) e
    where e ->> 'decision' = 'ABORTED'
      or e ->> 'kind' = 'CANCELLATION' and not exists (
        select from jsonb_array_elements(e -> 'lines') line
        left join stock on product_id = line ->> 'productId' where product_id is null
      )
    order by e ->> 'transactionId' collate "C"
    on conflict do nothing returning transaction_id
  ) select coalesce(array_agg(transaction_id), '{}') into fresh from inserted;
  locked := array(
    select transaction_id from participation
    where transaction_id = any (array(select e ->> 'transactionId' from jsonb_array_elements(entries) e))
    order by transaction_id for no key update
  );
  perform lock_stock(array(
    select product_id from reservation join participation using (transaction_id)
    where transaction_id = any (locked) and state = 'PREPARED'
    union all
    select line ->> 'productId' from jsonb_array_elements(entries) e, jsonb_array_elements(e -> 'lines') line
    where e ->> 'transactionId' = any (fresh)
  ));

  for entry in select e from jsonb_array_elements(entries) e loop
    transaction_id := entry ->> 'transactionId';
    lines := sorted_lines(entry -> 'lines');
    if transaction_id = any (fresh) then
      state := 'DONE';
      is_new := true;
      if entry ->> 'decision' = 'COMMITTED' then
        insert into reservation (transaction_id, product_id, quantity)
        select entry ->> 'transactionId', line ->> 'productId', (line ->> 'quantity')::integer
        from jsonb_array_elements(lines) line;
        perform move_stock(lines, 1, 0, 'RETURNED', transaction_id, now_at);
      end if;
    else
      -- A prepare that committed after these locks were taken counts as not arrived.
      state := case
        when transaction_id = any (locked) then apply_decision(entry, lines, now_at)
        else 'VIOLATION'
      end;
      -- Only a COMMITTED row contradicts an ABORT. Any other row was pruned, and perhaps written again,
      -- between two reads.
      if state = 'VIOLATION' and entry ->> 'decision' = 'ABORTED' and not exists (
        select from participation p
        where p.transaction_id = entry ->> 'transactionId' and p.state = 'COMMITTED'
      ) then
        perform run_again(transaction_id);
      end if;
      is_new := state = 'APPLIED';
      if is_new then
        state := 'DONE';
      end if;
    end if;
    return next;
  end loop;
end $$;

-- Applies a decision to a participation that existed before the call. Returns APPLIED, DONE if it was applied
-- before, or VIOLATION. The caller has locked the participation and the stock rows.
create or replace function apply_decision(entry jsonb, lines jsonb, now_at timestamptz)
  returns text language plpgsql as $$
declare
  transaction text := entry ->> 'transactionId';
  known participation := (select p from participation p where p.transaction_id = transaction);
  held jsonb := reserved_lines(transaction);
begin
  if entry ->> 'decision' = 'COMMITTED'
      and (known.state = 'ABORTED' or known.kind is distinct from entry ->> 'kind' or held <> lines)
    or entry ->> 'decision' = 'ABORTED' and known.state = 'COMMITTED'
  then
    return 'VIOLATION';
  end if;
  update participation set state = entry ->> 'decision', decided_at = now_at
    where transaction_id = transaction and state = 'PREPARED';
  if not found then
    return 'DONE';
  end if;
  if entry ->> 'decision' = 'COMMITTED' then
    perform move_stock(held, -1, -1, 'CONFIRMED', transaction, now_at);
  else
    perform move_stock(held, 0, -1, 'RELEASED', transaction, now_at);
  end if;
  return 'APPLIED';
end $$;
