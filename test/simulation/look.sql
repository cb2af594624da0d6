-- What the simulator adds to a city's database: a list of what was committed, in order, and one function that
-- reads what a transaction has written. Of the city's own one function is changed: rows that are never
-- deleted are, between two runs.

create schema simulation;

create or replace function refuse_change() returns trigger language plpgsql as $$
begin
  if current_setting('simulation.is_emptying', true) = 'true' then
    return old;
  end if;
  raise exception '% is append-only', tg_table_name using errcode = 'integrity_constraint_violation';
end $$;

-- Commit points and arrivals in the order in which they were executed, also within one batch.
create table simulation.fact (position bigint generated always as identity primary key, kind text not null, id text not null);

create function simulation.note_decision() returns trigger language plpgsql as $$
begin
  insert into simulation.fact (kind, id) values (new.state, new.transaction_id);
  return null;
end $$;
create trigger note_decision after insert on transaction_decision for each row execute function simulation.note_decision();

create function simulation.note_restock() returns trigger language plpgsql as $$
begin
  insert into simulation.fact (kind, id)
    values ('RESTOCKED', concat_ws(' ', new.product_id, new.on_hand_change, new.idempotency_key));
  return null;
end $$;
create trigger note_restock after insert on stock_movement for each row when (new.reason = 'RESTOCKED')
  execute function simulation.note_restock();

create function simulation.note_top_up() returns trigger language plpgsql as $$
begin
  insert into simulation.fact (kind, id) values ('TOP_UP', new.id::text);
  return null;
end $$;
create trigger note_top_up after insert on ledger_posting for each row when (new.reason = 'TOP_UP')
  execute function simulation.note_top_up();

-- What is pruned; not what is emptied between two runs.
create function simulation.note_pruned() returns trigger language plpgsql as $$
begin
  if current_setting('simulation.is_emptying', true) is distinct from 'true' then
    insert into simulation.fact (kind, id) values ('PRUNED', old.transaction_id);
  end if;
  return null;
end $$;
create trigger note_pruned after delete on transaction_decision for each row execute function simulation.note_pruned();
create trigger note_pruned after delete on participation for each row execute function simulation.note_pruned();

-- At the end of a transaction: the rows that it has written, as city-mirror.ts takes them; null if it wrote
-- nothing. A row's xmin is the transaction that wrote it, as long as no function of the city has a block with
-- EXCEPTION (which is a transaction of its own).
create function simulation.written() returns json language plpgsql stable as $$
declare
  me xid := pg_current_xact_id_if_assigned()::xid;
begin
  if me is null then
    return null;
  end if;
  return json_build_object(
    'stock', (select json_agg(json_build_array(product_id, on_hand, reserved)) from stock where xmin = me),
    'movements', (select json_agg(json_build_array(product_id, on_hand_change, reserved_change)) from stock_movement where xmin = me),
    'participations', (select json_agg(json_build_array(transaction_id, kind, state)) from participation where xmin = me),
    'reservations', (select json_agg(json_build_array(transaction_id, product_id, quantity)) from reservation where xmin = me),
    'decisions', (
      select json_agg(json_build_array(transaction_id, state, kind, client_id, idempotency_key, request_hash, answer ->> 'state'))
      from transaction_decision where xmin = me
    ),
    'participants', (
      select json_agg(json_build_array(transaction_id, city_id, acknowledged_at is not null)) from decision_participant where xmin = me
    ),
    'orders', (
      select json_agg(json_build_array(id, client_id, total, payment_method, status, cancelled_by)) from orders where xmin = me
    ),
    'lines', (select json_agg(json_build_array(order_id, product_id, quantity, unit_price)) from order_line where xmin = me),
    'allocations', (
      select json_agg(json_build_array(order_id, city_id, product_id, quantity) order by product_id, city_id)
      from order_allocation where xmin = me
    ),
    'transfers', (
      select json_agg(json_build_array(transaction_id, product_id, from_city_id, quantity)) from stock_transfer where xmin = me
    ),
    'postings', (select json_agg(json_build_array(id, transaction_id, client_id, idempotency_key)) from ledger_posting where xmin = me),
    'entries', (select json_agg(json_build_array(posting_id, client_id, amount)) from ledger_entry where xmin = me),
    'wallets', (select json_agg(json_build_array(client_id, balance, held)) from wallet where xmin = me),
    'payments', (select json_agg(json_build_array(transaction_id, state)) from payment where xmin = me),
    'facts', (select json_agg(json_build_array(kind, id) order by position) from simulation.fact where xmin = me)
  );
end $$;
