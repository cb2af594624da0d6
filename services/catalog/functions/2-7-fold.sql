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
          ops, merged.field, current -> merged.field, merged.winner, merged.losers, strategy_of(ops, of_unit),
          deciding_in(ops, of_unit, fields));
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

-- The row after operations of which one did not know of some.
create or replace function fold_again(ops operation[], before jsonb) returns void
  language plpgsql as $$
declare
  of_entity constant text := ops[1].entity;
  of_id constant text := ops[1].id;
  current jsonb := coalesce(before, '{}');
  folded text;
begin
  -- All units of a row that is not here: it may have been deleted, and come back as a whole.
  for folded in
    select unit from merge_unit
    where entity = of_entity
      and (before is null or exists (select from unnest(ops) as op where op.strategies ? unit))
    order by unit
  loop
    current := current || fold_unit(of_entity, of_id, folded);
  end loop;
  perform note_lost_deletions(of_entity, of_id);
  if is_gone(of_entity, of_id) then
    perform remove_row(of_entity, of_id);
  -- Its CREATE may come after what another node has written to it.
  elsif current ->> 'created_at' is not null then
    perform put_row(of_entity, current || row_facts(of_entity, of_id));
  end if;
end $$;

-- What of a row belongs to no unit.
create or replace function row_facts(of_entity text, of_id text) returns jsonb
  language sql stable
  return (
    select jsonb_build_object('id', of_id, 'updated_at', updated_at)
    from entity_state where entity = of_entity and id = of_id
  );

-- The row after an operation that belongs to the last round of its unit, by what decides that round. Whoever
-- wrote it has an operation in the round that nobody of it has seen: so nobody has seen this one, and it has
-- seen all that was before the round. False if that is not so; nothing is changed then.
create or replace function extend_round(op operation, before jsonb) returns boolean
  language plpgsql as $$
declare
  its constant merge_unit := (
    select merge_unit from merge_unit where entity = op.entity and op.strategies ? unit and cardinality(columns) = 1
    limit 1
  );
  of_field constant text := its.columns[1];
  last conflict;
  ruler operation;
  -- What decides the round, and all that has followed on it.
  heads operation[];
  later operation[] := '{}';
  merged record;
begin
  if before is null or its is null or op.kind <> 'EDIT' or is_relative(op, its.unit)
    or (select count(*) > 1 from jsonb_object_keys(op.strategies))
    or exists (select from operation where entity = op.entity and id = op.id and kind = 'DELETE')
  then
    return false;
  end if;
  select conflict.* into last from conflict cross join jsonb_array_elements(round -> 'heads') as head
    where entity = op.entity and id = op.id and field = of_field and head ->> 0 = op.node
    order by (head ->> 1)::bigint desc limit 1;
  if last is null then
    return false;
  end if;
  if last.resolved_at is not null then
    later := array(
      select one from operation as one join operation as next
        on (next.node, next.sequence) = (last.resolved_by_node, last.resolved_by_sequence)
      where (one.entity, one.id) = (op.entity, op.id) and one.strategies ? its.unit
        and (one.clock, one.node, one.sequence) >= (next.clock, next.node, next.sequence)
        and (one.node, one.sequence) <> (op.node, op.sequence)
      limit 101
    );
  end if;
  heads := array(
    select operation from jsonb_array_elements(last.round -> 'heads') as head
    join operation on (node, sequence) = (head ->> 0, (head ->> 1)::bigint)
  );
  select operation.* into ruler from operation
    where (node, sequence) = (last.round -> 'ruler' ->> 0, (last.round -> 'ruler' ->> 1)::bigint);
  if ruler is null or cardinality(heads) < jsonb_array_length(last.round -> 'heads')
    -- It begins a round of its own.
    or not exists (select from unnest(heads) as head where not has_seen(op, head))
    -- It was in the log when the round was folded.
    or exists (select from unnest(heads) as head where head.node = op.node and head.sequence >= op.sequence)
    or last.resolved_at is not null and cardinality(later) not between 1 and 100
    or exists (
      select from unnest(later) as one
      where has_seen(one, op) or is_relative(one, its.unit) or exists (
        select from conflict
        where entity = op.entity and id = op.id and field = of_field
          and (first_node, first_sequence) = (one.node, one.sequence)
      )
    )
  then
    return false;
  end if;
  later := later || op;
  heads := heads(heads || later);
  select one.* into ruler from unnest(later || ruler) as one
    order by rules desc, clock desc, node desc, sequence desc limit 1;
  select * into merged
    from merge_column(last.base, heads, ruler.strategies ->> its.unit, its.unit, of_field);
  update conflict set winner = merged.winner, losers = merged.losers, strategy = ruler.strategies ->> its.unit,
    status = first_status(ruler.strategies ->> its.unit), resolved_by_node = null, resolved_by_sequence = null,
    resolved_at = null,
    opened_at = greatest(last.opened_at, (select max(one.written_at) from unnest(later) as one)),
    round = jsonb_build_object('heads', (select jsonb_agg(as_key(one)) from unnest(heads) as one), 'ruler', as_key(ruler))
    where (entity, id, field, first_node, first_sequence) =
      (last.entity, last.id, last.field, last.first_node, last.first_sequence) and merged.losers is not null;
  if not found then
    delete from conflict where (entity, id, field, first_node, first_sequence) =
      (last.entity, last.id, last.field, last.first_node, last.first_sequence);
  end if;
  perform put_row(op.entity, before || jsonb_build_object(of_field, merged.value) || row_facts(op.entity, op.id));
  return true;
end $$;
