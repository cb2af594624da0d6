-- The participant side of the commit protocol, a batch a call.
--
-- Deadlocks cannot happen: every function locks participations in the order of transaction ids, then stock in the order of
-- product ids. Each entry of a batch is accepted or refused on its own. `now_at` is the caller's clock, so that a simulation
-- can replay a run.

-- Locks the stock rows of the products, in order.
create function lock_stock(product_ids text[]) returns void language sql as $$
  select from stock where product_id = any (product_ids) order by product_id for no key update;
$$;

-- [{"productId", "quantity"}, …], in the order of product ids: the form in which lines are compared.
create function reserved_lines(transaction text) returns jsonb language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object('productId', product_id, 'quantity', quantity) order by product_id), '[]')
  from reservation where transaction_id = transaction;
$$;

create function sorted_lines(lines jsonb) returns jsonb language sql immutable as $$
  select coalesce(jsonb_agg(jsonb_build_object('productId', line ->> 'productId', 'quantity', (line ->> 'quantity')::integer)
                            order by line ->> 'productId' collate "C"), '[]')
  from jsonb_array_elements(lines) line;
$$;

-- What there is too little of: [{"productId", "requested", "available"}, …]. The stock rows must be locked.
create function stock_shortages(lines jsonb) returns jsonb language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object(
      'productId', line ->> 'productId', 'requested', (line ->> 'quantity')::integer, 'available', coalesce(available, 0)
    ) order by line ->> 'productId' collate "C"), '[]')
  from jsonb_array_elements(lines) line left join stock on product_id = line ->> 'productId'
  where coalesce(available, 0) < (line ->> 'quantity')::integer;
$$;

-- Adds to the levels of the lines' products and appends the movements; the factors are -1, 0 or 1.
create function move_stock(
  lines jsonb, on_hand_factor integer, reserved_factor integer, why text, transaction text, now_at timestamptz
) returns void language plpgsql as $$
begin
  update stock set
    on_hand = on_hand + on_hand_factor * (line ->> 'quantity')::integer,
    reserved = reserved + reserved_factor * (line ->> 'quantity')::integer,
    updated_at = now_at
  from jsonb_array_elements(lines) line where product_id = line ->> 'productId';
  insert into stock_movement (product_id, reason, on_hand_change, reserved_change, transaction_id, at)
  select line ->> 'productId', why, on_hand_factor * (line ->> 'quantity')::integer,
         reserved_factor * (line ->> 'quantity')::integer, transaction, now_at
  from jsonb_array_elements(lines) line;
end $$;

-- entries: [{"transactionId", "deadline", "lines": [{"productId", "quantity"}]}]; transaction ids and, in an entry, product
-- ids are distinct, quantities positive: the service has checked.
create function prepare_transactions(entries jsonb, now_at timestamptz)
  returns table (transaction_id text, state text, shortages jsonb) language plpgsql as $$
#variable_conflict use_column
declare
  entry jsonb;
  fresh text[];
  wanted jsonb;
begin
  with inserted as (
    insert into participation (transaction_id, state, deadline, created_at, next_attempt_at)
    -- The deadline is another machine's clock: however fast that runs, this city begins to ask within a minute.
    select e ->> 'transactionId', 'PREPARED', (e ->> 'deadline')::timestamptz, now_at,
           least((e ->> 'deadline')::timestamptz, now_at + interval '1 minute')
    from jsonb_array_elements(entries) e order by e ->> 'transactionId' collate "C"
    on conflict do nothing returning transaction_id
  ) select coalesce(array_agg(transaction_id), '{}') into fresh from inserted;
  perform from participation
    where transaction_id in (select e ->> 'transactionId' from jsonb_array_elements(entries) e)
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
        -- Remembered, so that a copy of the message that arrives later cannot prepare what the orchestrator gave up.
        update participation p set state = 'ABORTED', decided_at = now_at where p.transaction_id = entry ->> 'transactionId';
        state := 'REFUSED';
      end if;
    else
      select case
          when p.state = 'ABORTED' then 'ABORTED'
          when reserved_lines(p.transaction_id) = wanted then 'PREPARED'
          else 'VIOLATION'
        end
      into state from participation p where p.transaction_id = entry ->> 'transactionId';
    end if;
    return next;
  end loop;
end $$;

-- entries: [{"transactionId", "decision": "COMMITTED" | "ABORTED", "lines": […]}], transaction ids distinct.
create function decide_transactions(entries jsonb, now_at timestamptz)
  returns table (transaction_id text, state text) language plpgsql as $$
#variable_conflict use_column
declare
  entry jsonb;
  locked text[];
  known text;
  held jsonb;
begin
  -- An ABORT that comes before its prepare is remembered, and refuses the prepare.
  insert into participation (transaction_id, state, created_at, decided_at, next_attempt_at)
  select e ->> 'transactionId', 'ABORTED', now_at, now_at, now_at
  from jsonb_array_elements(entries) e where e ->> 'decision' = 'ABORTED'
  order by e ->> 'transactionId' collate "C"
  on conflict do nothing;
  locked := array(
    select transaction_id from participation
    where transaction_id in (select e ->> 'transactionId' from jsonb_array_elements(entries) e)
    order by transaction_id for no key update
  );
  perform lock_stock(array(select product_id from reservation where transaction_id = any (locked)));

  for entry in select e from jsonb_array_elements(entries) e loop
    transaction_id := entry ->> 'transactionId';
    -- A prepare that is committed only now, behind the lock, counts as not having come.
    known := (
      select p.state from participation p where p.transaction_id = entry ->> 'transactionId' and p.transaction_id = any (locked)
    );
    held := reserved_lines(transaction_id);
    if entry ->> 'decision' = 'COMMITTED' and (known is null or known = 'ABORTED' or held <> sorted_lines(entry -> 'lines'))
      or entry ->> 'decision' = 'ABORTED' and known = 'COMMITTED'
    then
      state := 'VIOLATION';
    else
      state := 'DONE';
      update participation p set state = entry ->> 'decision', decided_at = now_at
        where p.transaction_id = entry ->> 'transactionId' and p.state = 'PREPARED';
      if found and entry ->> 'decision' = 'COMMITTED' then
        perform move_stock(held, -1, -1, 'CONFIRMED', transaction_id, now_at);
      elsif found then
        perform move_stock(held, 0, -1, 'RELEASED', transaction_id, now_at);
      end if;
    end if;
    return next;
  end loop;
end $$;
