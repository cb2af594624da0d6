-- SQL that both sides of the commit protocol use: lines of products, stock levels, the horizon.
--
-- A line is {"productId", "quantity"}. `entries` are the messages of one batch; each is accepted or refused
-- on its own. `now_at` is the database's time, passed in so that a simulation can replay a run. The heads of
-- 2-participant.sql and 3-home.sql give the order of locks.

-- Sorts lines by product id. Lines are compared in this form.
create or replace function sorted_lines(lines jsonb) returns jsonb language sql immutable as $$
  select coalesce(
    jsonb_agg(
      jsonb_build_object('productId', line ->> 'productId', 'quantity', (line ->> 'quantity')::integer)
      order by line ->> 'productId' collate "C"
    ),
    '[]'
  )
  from jsonb_array_elements(lines) line;
$$;

-- Locks the stock rows of the products, in order.
create or replace function lock_stock(product_ids text[]) returns void language sql as $$
  select from stock where product_id = any (product_ids) order by product_id for no key update;
$$;

-- The products of which there is too little: [{"productId", "requested", "available"}, …]. The caller has
-- locked the stock rows.
create or replace function stock_shortages(lines jsonb) returns jsonb language sql stable as $$
  select coalesce(
    jsonb_agg(
      jsonb_build_object(
        'productId', line ->> 'productId',
        'requested', (line ->> 'quantity')::integer,
        'available', coalesce(available, 0)
      ) order by line ->> 'productId' collate "C"
    ),
    '[]'
  )
  from jsonb_array_elements(lines) line left join stock on product_id = line ->> 'productId'
  where coalesce(available, 0) < (line ->> 'quantity')::integer;
$$;

-- How many more pieces a delivery or a transfer may add to a level. Both can be refused, so they
-- stop at a billion pieces on hand. Returns cannot be refused: on hand and returnable pieces
-- together stay within two billion.
create or replace function stock_room(on_hand integer, returnable integer)
  returns integer language sql immutable
  return greatest(0, least(1000000000 - on_hand, 2000000000 - on_hand::bigint - returnable))::integer;

-- Changes the levels of the lines' products and appends the movements. The factors are -1, 0 or 1.
-- `returnable` grows by what orders take, which keeps room for its return.
create or replace function move_stock(
  lines jsonb, on_hand_factor integer, reserved_factor integer,
  why text, transaction text, now_at timestamptz
) returns void language plpgsql as $$
declare
  -- What a transfer takes does not come back.
  returnable_factor integer := case
    when why in ('SOLD', 'RETURNED') then -on_hand_factor
    when why = 'CONFIRMED' and (select kind from participation where transaction_id = transaction) = 'ORDER'
      then -on_hand_factor
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

create or replace function is_behind_horizon(transaction text) returns boolean language sql stable as $$
  select exists (select from horizon where split_part(transaction, ':', 2) collate "C" < bound);
$$;

-- A row was pruned between two reads of one message. An answer from the two reads would be wrong, so the
-- message is run again.
create or replace function run_again(transaction text) returns void language plpgsql as $$
begin
  raise exception 'transaction % was pruned meanwhile', transaction using errcode = 'serialization_failure';
end $$;
