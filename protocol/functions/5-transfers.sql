-- Transfers, at their home, which gets the stock: what is locked, judged and written.

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
