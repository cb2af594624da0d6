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

create function simulation.ms_of(moment timestamptz) returns float language sql immutable as $$
  select (extract(epoch from moment) * 1000)::float;
$$;

-- Whether the transaction under way has written to a table. To look at all of them takes as long as a short
-- statement that writes.
create function simulation.is_written(written regclass) returns boolean language sql volatile as $$
  select pg_stat_get_xact_tuples_inserted(written) + pg_stat_get_xact_tuples_updated(written) > 0;
$$;

-- At the end of a transaction: the rows that it has written, as city-mirror.ts takes them; null if it wrote
-- nothing. They are those that are not older than the transaction: a block with EXCEPTION is one of its own,
-- with a later number. Or all rows, whoever wrote them.
create function simulation.written(everything boolean) returns json language plpgsql as $$
declare
  age_max integer := case when everything then 2147483647 else 0 end;
  of_stock json;
  of_participations json;
  of_reservations json;
  of_decisions json;
  of_participants json;
  of_orders json;
  of_lines json;
  of_allocations json;
  of_transfers json;
  of_postings json;
  of_entries json;
  of_wallets json;
  of_facts json;
begin
  if not everything and pg_current_xact_id_if_assigned() is null then
    return null;
  end if;
  if everything or simulation.is_written('stock') then
    of_stock := (
      select json_agg(json_build_array(product_id, on_hand, reserved) order by product_id)
      from stock where age(xmin) <= age_max
    );
  end if;
  if everything or simulation.is_written('participation') then
    of_participations := (
      select json_agg(json_build_array(transaction_id, kind, state, simulation.ms_of(next_attempt_at)))
      from participation where age(xmin) <= age_max
    );
  end if;
  if everything or simulation.is_written('reservation') then
    of_reservations := (
      select json_agg(json_build_array(transaction_id, product_id, quantity))
      from reservation where age(xmin) <= age_max
    );
  end if;
  if everything or simulation.is_written('transaction_decision') then
    of_decisions := (
      select json_agg(
        json_build_array(transaction_id, state, kind, client_id, idempotency_key, request_hash, answer ->> 'state')
      )
      from transaction_decision where age(xmin) <= age_max
    );
  end if;
  if everything or simulation.is_written('decision_participant') then
    of_participants := (
      select json_agg(json_build_array(transaction_id, city_id, acknowledged_at is not null, simulation.ms_of(next_attempt_at)))
      from decision_participant where age(xmin) <= age_max
    );
  end if;
  if everything or simulation.is_written('orders') then
    of_orders := (
      select json_agg(json_build_array(id, client_id, total, payment_method, status, cancelled_by))
      from orders where age(xmin) <= age_max
    );
  end if;
  if everything or simulation.is_written('order_line') then
    of_lines := (
      select json_agg(json_build_array(order_id, product_id, quantity, unit_price))
      from order_line where age(xmin) <= age_max
    );
  end if;
  if everything or simulation.is_written('order_allocation') then
    of_allocations := (
      select json_agg(json_build_array(order_id, city_id, product_id, quantity) order by product_id, city_id)
      from order_allocation where age(xmin) <= age_max
    );
  end if;
  if everything or simulation.is_written('stock_transfer') then
    of_transfers := (
      select json_agg(json_build_array(transaction_id, product_id, from_city_id, quantity))
      from stock_transfer where age(xmin) <= age_max
    );
  end if;
  if everything or simulation.is_written('ledger_posting') then
    of_postings := (
      select json_agg(json_build_array(id, transaction_id, client_id, idempotency_key))
      from ledger_posting where age(xmin) <= age_max
    );
  end if;
  if everything or simulation.is_written('ledger_entry') then
    of_entries := (
      select json_agg(json_build_array(posting_id, client_id, amount))
      from ledger_entry where age(xmin) <= age_max
    );
  end if;
  if everything or simulation.is_written('wallet') then
    of_wallets := (
      select json_agg(json_build_array(client_id, balance))
      from wallet where age(xmin) <= age_max
    );
  end if;
  if everything or simulation.is_written('simulation.fact') then
    of_facts := (
      select json_agg(json_build_array(kind, id) order by position)
      from simulation.fact where age(xmin) <= age_max
    );
  end if;
  return json_build_object(
    'stock', of_stock,
    'participations', of_participations,
    'reservations', of_reservations,
    'decisions', of_decisions,
    'participants', of_participants,
    'orders', of_orders,
    'lines', of_lines,
    'allocations', of_allocations,
    'transfers', of_transfers,
    'postings', of_postings,
    'entries', of_entries,
    'wallets', of_wallets,
    'facts', of_facts
  );
end $$;
