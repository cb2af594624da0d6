-- The fold: from the operations of a row to the row. It is a function of their set, so the order in which
-- they arrive does not matter.

-- The row, locked, or null. Local writers lock it before its state too.
create or replace function locked_row(of_entity text, of_id text) returns jsonb
  language plpgsql as $$
declare
  found_row jsonb;
begin
  if of_entity = 'Product' then
    select to_jsonb(product) into found_row from product where id = of_id for update;
  else
    select to_jsonb(supplier) into found_row from supplier where id = of_id for update;
  end if;
  return found_row;
end $$;

-- Writes a row as it is to be. Nothing of that is a new operation.
create or replace function put_row(of_entity text, given jsonb) returns void
  language plpgsql set teranga.folding to 'on' as $$
begin
  if of_entity = 'Product' then
    update product set name = its.name, description = its.description, price = its.price,
      discontinued = its.discontinued, tags = its.tags, supplier_id = its.supplier_id, created_at = its.created_at,
      creation_key = its.creation_key, creation_hash = its.creation_hash, updated_at = its.updated_at
      from jsonb_populate_record(null::product, given) as its where product.id = given ->> 'id';
    if not found then
      insert into product (id, name, description, price, discontinued, tags, supplier_id, created_at,
        creation_key, creation_hash, updated_at)
        select id, name, description, price, discontinued, tags, supplier_id, created_at,
          creation_key, creation_hash, updated_at from jsonb_populate_record(null::product, given);
    end if;
  else
    update supplier set name = its.name, email = its.email, phone = its.phone, deliveries = its.deliveries,
      created_at = its.created_at, creation_key = its.creation_key, creation_hash = its.creation_hash,
      updated_at = its.updated_at
      from jsonb_populate_record(null::supplier, given) as its where supplier.id = given ->> 'id';
    if not found then
      insert into supplier (id, name, email, phone, deliveries, created_at, creation_key, creation_hash, updated_at)
        select id, name, email, phone, deliveries, created_at, creation_key, creation_hash, updated_at
        from jsonb_populate_record(null::supplier, given);
    end if;
  end if;
end $$;

create or replace function remove_row(of_entity text, of_id text) returns void
  language plpgsql set teranga.folding to 'on' as $$
begin
  if of_entity = 'Product' then
    delete from product where id = of_id;
  else
    delete from supplier where id = of_id;
  end if;
end $$;

-- A unit's columns after one round.
create or replace function values_after_round(before jsonb, ops operation[], of_unit text, columns text[])
  returns jsonb
  language sql immutable parallel safe
  return before || coalesce(
    (select jsonb_object_agg(field, value) from merge_round(before, ops, of_unit, columns)), '{}');

-- Folds all operations of a unit that are in the log: tells its conflicts anew, returns its columns.
create or replace function fold_unit(of_entity text, of_id text, of_unit text) returns jsonb
  language plpgsql as $$
declare
  fields constant text[] := (select columns from merge_unit where entity = of_entity and unit = of_unit);
  current jsonb := coalesce(
    (select bases -> of_unit from entity_state where entity = of_entity and id = of_id), '{}');
  ops operation[];
  after jsonb;
  merged record;
  is_followed boolean;
begin
  perform forget_conflicts(of_entity, of_id, fields);
  is_followed := exists (select from conflict where entity = of_entity and id = of_id and field = any (fields));
  for ops in
    select array_agg(op order by (op).clock, (op).node, (op).sequence)
    from rounds_of(of_entity, of_id, of_unit) group by round order by round
  loop
    after := current;
    for merged in select * from merge_round(current, ops, of_unit, fields) loop
      after := after || jsonb_build_object(merged.field, merged.value);
      if is_followed then
        perform follow_conflicts((touching(ops, merged.field))[1], array[merged.field]);
      end if;
      if merged.losers is not null then
        perform note_conflict(
          ops, merged.field, current -> merged.field, merged.winner, merged.losers, strategy_of(ops, of_unit));
        is_followed := true;
      end if;
    end loop;
    current := after;
  end loop;
  return current;
end $$;

-- A row is gone if a deletion knew of all that was ever written to it.
create or replace function is_gone(of_entity text, of_id text) returns boolean
  language sql stable
  return exists (
    select from operation join entity_state using (entity, id)
    where entity = of_entity and id = of_id and kind = 'DELETE' and has_all(operation.seen, edits)
  );

-- The row after an operation that has seen all the others: nearly all operations of a backlog. The patch says
-- what its columns become, unless a strategy is of changes.
create or replace function fold_next(op operation, before jsonb, state entity_state) returns void
  language plpgsql as $$
declare
  changes jsonb := op.patch;
begin
  if op.kind = 'DELETE' then
    perform remove_row(op.entity, op.id);
    return;
  end if;
  if jsonb_path_exists(op.strategies, '$.* ? (@ == "ADD" || @ == "UNION")') then
    select changes || jsonb_object_agg(field, value_after(before -> field, array[op], unit, field)) into changes
      from merge_unit cross join unnest(columns) as field where entity = op.entity and op.patch ? field;
  end if;
  perform put_row(op.entity,
    coalesce(before, '{}') || changes || jsonb_build_object('id', op.id, 'updated_at', state.updated_at));
end $$;

-- The row after an operation that did not know of some.
create or replace function fold_again(op operation, before jsonb) returns void
  language plpgsql as $$
declare
  current jsonb := coalesce(before, '{}');
  folded text;
begin
  -- All units of a row that is not here: it may have been deleted, and come back as a whole.
  for folded in
    select unit from merge_unit where entity = op.entity and (before is null or op.strategies ? unit) order by unit
  loop
    current := current || fold_unit(op.entity, op.id, folded);
  end loop;
  perform note_lost_deletions(op.entity, op.id);
  if is_gone(op.entity, op.id) then
    perform remove_row(op.entity, op.id);
  -- Its CREATE may come after what another node has written to it.
  elsif current ->> 'created_at' is not null then
    perform put_row(op.entity, current || row_facts(op.entity, op.id));
  end if;
end $$;

-- What of a row belongs to no unit.
create or replace function row_facts(of_entity text, of_id text) returns jsonb
  language sql stable
  return (
    select jsonb_build_object('id', of_id, 'updated_at', updated_at)
    from entity_state where entity = of_entity and id = of_id
  );

-- Takes an operation that is in the log into the rows.
create or replace function fold_operation(op operation) returns void
  language plpgsql as $$
declare
  before constant jsonb := locked_row(op.entity, op.id);
  noted record;
begin
  insert into entity_state as state (entity, id, seen, edits, clock, updated_at)
    select
      op.entity, op.id, its, case op.kind when 'DELETE' then '{}' else its end, op.clock, op.written_at
    from jsonb_build_object(op.node, op.sequence) as its
    on conflict (entity, id) do update set
      seen = state.seen || excluded.seen,
      edits = state.edits || excluded.edits,
      clock = greatest(state.clock, excluded.clock),
      updated_at = greatest(state.updated_at, excluded.updated_at)
    returning
      coalesce(old.seen, '{}') as known, new as state,
      exists (select from conflict where entity = op.entity and conflict.id = op.id) as has_conflicts
      into noted;
  if has_all(op.seen, noted.known) and (before is not null or op.kind in ('CREATE', 'DELETE')) then
    -- Most rows have none.
    if noted.has_conflicts then
      perform follow_conflicts(op, array(select jsonb_object_keys(op.patch)));
    end if;
    perform fold_next(op, before, noted.state);
  else
    perform fold_again(op, before);
  end if;
  if op.entity = 'Product' and (op.patch ? 'name' or op.kind = 'DELETE' or before is null) then
    perform note_shared_names(op.id, array_remove(
      array[before ->> 'name', (select name from product where id = op.id)], null));
  end if;
end $$;

-- The apply worker's search path is empty.
create or replace function fold_arrived() returns trigger
  language plpgsql set search_path from current as $$
begin
  perform fold_operation(new);
  return null;
end $$;
