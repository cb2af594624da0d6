-- What the simulator adds to a city's database: a list of what was committed, in order, and one function that reads all that the
-- checks need. Of the city's own one function is changed: rows that are never deleted are, between two runs.

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
  insert into simulation.fact (kind, id) values ('RESTOCKED', new.product_id || ' ' || new.on_hand_change);
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

-- A committed transaction, with all that was written at its commit point.
create function simulation.committed(id text) returns json language plpgsql stable as $$
begin
  return (
  select json_build_object(
    'id', d.transaction_id, 'kind', d.kind, 'clientId', d.client_id, 'key', d.idempotency_key, 'hash', d.request_hash,
    'order', (
      select json_build_object('clientId', o.client_id, 'total', o.total, 'payment', o.payment_method,
        'lines', (select json_agg(json_build_array(product_id, quantity, unit_price) order by product_id) from order_line where order_id = o.id),
        'allocations', (select json_agg(json_build_array(city_id, product_id, quantity) order by product_id, city_id) from order_allocation where order_id = o.id))
      from orders o where o.id = d.transaction_id
    ),
    'cancels', (select o.id from orders o where o.cancelled_by = d.transaction_id),
    'transfer', (
      select json_build_object('productId', product_id, 'from', from_city_id, 'quantity', quantity)
      from stock_transfer t where t.transaction_id = d.transaction_id
    )
  ) from transaction_decision d where d.transaction_id = $1
  );
end $$;

create function simulation.top_up(id bigint) returns json language plpgsql stable as $$
begin
  return (
  select json_build_object('clientId', p.client_id, 'key', p.idempotency_key, 'amount', e.amount)
  from ledger_posting p join ledger_entry e on e.posting_id = p.id and e.account = 'WALLET' where p.id = $1
  );
end $$;

-- The facts after a position, with their details.
create function simulation.facts_after(seen bigint) returns json language plpgsql stable as $$
begin
  return (
  select coalesce(json_agg(json_build_object('position', position, 'kind', kind, 'id', id, 'detail', case kind
      when 'COMMITTED' then simulation.committed(id)
      when 'ABORTED' then (select json_build_object('isFence', d.message_digest is null) from transaction_decision d where d.transaction_id = fact.id)
      when 'TOP_UP' then simulation.top_up(id::bigint)
    end) order by position), '[]')
  from simulation.fact where position > seen
  );
end $$;

-- What must never be seen in one city's database, whatever happens: a line for each break.
create function simulation.broken() returns json language plpgsql stable as $$
begin
  return (
  select json_agg(what || ': ' || id order by what, id) from (
    select 'a level outside its bounds' as what, product_id as id from stock where reserved < 0 or reserved > on_hand
    union all
    select 'a level is not the sum of its movements', product_id from stock left join (
      select product_id, sum(on_hand_change) as on_hand, sum(reserved_change) as reserved from stock_movement group by 1
    ) moved using (product_id)
    where stock.on_hand <> coalesce(moved.on_hand, 0) or stock.reserved <> coalesce(moved.reserved, 0)
    union all
    select 'stock is reserved for nobody, or too little for somebody', product_id from stock left join (
      select product_id, sum(quantity) as held from reservation join participation using (transaction_id)
      where state = 'PREPARED' group by 1
    ) held using (product_id) where reserved <> coalesce(held, 0)
    union all
    select 'an order without a committed transaction', o.id from orders o
      left join transaction_decision d on d.transaction_id = o.id and d.state = 'COMMITTED' where d.transaction_id is null
    union all
    select 'a committed transaction that has not happened', d.transaction_id from transaction_decision d
    where d.state = 'COMMITTED'
      and not exists (select from orders where id = d.transaction_id or cancelled_by = d.transaction_id)
      and not exists (select from stock_transfer t where t.transaction_id = d.transaction_id)
    union all
    select 'the allocations of an order do not add up to its lines', line.order_id from order_line line
      left join order_allocation allocation using (order_id, product_id)
    group by line.order_id, line.product_id, line.quantity having line.quantity is distinct from sum(allocation.quantity)
    union all
    select 'the ledger does not add up to zero', coalesce(sum(amount), 0)::text from ledger_entry having sum(amount) <> 0
    union all
    select 'a wallet is below zero', client_id from wallet where balance < 0
    union all
    select 'a wallet is not the sum of its entries', client_id from wallet left join (
      select client_id, sum(amount) as entered from ledger_entry where account = 'WALLET' group by 1
    ) entries using (client_id) where balance + held <> coalesce(entered, 0)
    union all
    select 'an order was paid from a wallet without a posting', o.id from orders o
      left join ledger_posting p on p.transaction_id = o.id where o.payment_method = 'WALLET' and o.total > 0 and p.id is null
    union all
    select 'a payment without an order', p.transaction_id from payment p left join orders o on o.id = p.transaction_id
      where o.id is null and p.state in ('CAPTURED', 'REFUNDED', 'DUE')
    union all
    select 'a payment does not stand as its order', o.id from orders o join payment p on p.transaction_id = o.id
      where (o.status = 'PLACED') <> (p.state in ('CAPTURED', 'DUE', 'AUTHORISED'))
  ) breaks
  );
end $$;

-- At the end of a transaction: the city as the transaction leaves it, or null if it wrote nothing.
create function simulation.look(seen_position bigint) returns json language plpgsql stable as $$
begin
  if pg_current_xact_id_if_assigned() is null then
    return null;
  end if;
  return json_build_object(
    'facts', simulation.facts_after(seen_position),
    'broken', coalesce(simulation.broken(), '[]'),
    'levels', (select coalesce(json_agg(json_build_array(product_id, on_hand, reserved) order by product_id), '[]') from stock),
    'held', (
      select coalesce(json_agg(json_build_array(transaction_id, product_id, quantity) order by transaction_id, product_id), '[]')
      from reservation join participation using (transaction_id) where state = 'PREPARED'
    ),
    'participations', (select coalesce(json_agg(json_build_array(transaction_id, kind, state) order by transaction_id), '[]') from participation),
    'untold', (
      select coalesce(json_agg(json_build_array(transaction_id, city_id) order by transaction_id, city_id), '[]') from decision_participant where acknowledged_at is null
    ),
    'committed', (select count(*) from transaction_decision where state = 'COMMITTED'),
    'cancelled', (select coalesce(json_agg(id order by id), '[]') from orders where status = 'CANCELLED'),
    'wallets', (select coalesce(json_agg(json_build_array(client_id, balance) order by client_id), '[]') from wallet)
  );
end $$;
