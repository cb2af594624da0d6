-- What arrives of other nodes is folded at the end of the transaction that brought it, each row once.

-- Operations of one row are here now. Returns what was here before, and its state with them.
create or replace function note_arrived(ops operation[], out known jsonb, out state entity_state)
  language sql as $$
  insert into entity_state as state (entity, id, seen, edits, clock, updated_at)
    select
      ops[1].entity, ops[1].id, jsonb_object_agg(node, last),
      coalesce(jsonb_object_agg(node, last_edit) filter (where last_edit is not null), '{}'),
      max(clock), max(written_at)
    from (
      select node, max(sequence) as last, max(sequence) filter (where kind <> 'DELETE') as last_edit,
        max(clock) as clock, max(written_at) as written_at
      from unnest(ops) group by node
    ) as by_node
    on conflict (entity, id) do update set
      seen = state.seen || excluded.seen,
      edits = state.edits || excluded.edits,
      clock = greatest(state.clock, excluded.clock),
      updated_at = greatest(state.updated_at, excluded.updated_at)
    returning coalesce(old.seen, '{}'), new
$$;

-- Takes operations of one row that one node wrote, in their order, into its state and the row.
create or replace function fold_row(ops operation[]) returns void
  language plpgsql as $$
declare
  first constant operation := ops[1];
  before constant jsonb := locked_row(first.entity, first.id);
  noted record;
  waiting operation[];
begin
  select * into noted from note_arrived(ops);
  if has_all(first.seen, noted.known) and cardinality(ops) = 1
    and (before is not null or first.kind in ('CREATE', 'DELETE'))
  then
    perform follow_conflicts(first, array(select jsonb_object_keys(first.patch)));
    perform fold_next(first, before, noted.state);
  elsif cardinality(ops) > 1 or not extend_round(first, before) then
    -- Whose turn has not come is in the log already, so in this fold too. It must not be counted again.
    waiting := array(
      select operation from operation
      where entity = first.entity and id = first.id
        and sequence > coalesce(((noted.state).seen ->> node)::bigint, 0)
    );
    if cardinality(waiting) > 0 then
      perform note_arrived(waiting);
      ops := ops || waiting;
    end if;
    perform fold_again(ops, before);
  end if;
  if first.entity = 'Product'
    and (before is null or exists (select from unnest(ops) as op where op.patch ? 'name' or op.kind = 'DELETE'))
  then
    perform note_shared_names(first.id, array_remove(
      array[before ->> 'name', (select name from product where id = first.id)], null));
  end if;
end $$;

-- Takes operations that one node wrote into the rows, each row once. Edits of products that have seen all
-- that was here, nearly all of a backlog, are one statement for all rows: one by one, the outbox alone took
-- a tenth of a millisecond for each.
create or replace function fold_batch(batch operation[]) returns void
  -- Each row is found by its key, however few rows there were when the plan was made. One plan for all: an
  -- array of one promises so little work that it was planned anew each time, two thirds of an edit's fold.
  language plpgsql set enable_seqscan to off set enable_hashjoin to off set enable_mergejoin to off
  set plan_cache_mode to force_generic_plan set teranga.folding to 'on' as $$
declare
  others operation[];
begin
  -- Local writers lock a row before its state too.
  perform from product where id in (select id from unnest(batch) where entity = 'Product') order by id for update;
  perform from supplier where id in (select id from unnest(batch) where entity = 'Supplier') order by id for update;
  for others in
    with arrived as (
      select entity, id, array_agg(op order by sequence) as ops, node, max(sequence) as sequence,
        max(clock) as clock, max(written_at) as written_at,
        entity = 'Product' and bool_and(
          kind in ('EDIT', 'RESOLUTION') and not patch ? 'name'
          and not jsonb_path_exists(strategies, '$.* ? (@ == "ADD" || @ == "UNION")')
        ) as is_plain
      from unnest(batch) as op group by entity, id, node
    ), judged as materialized (
      select arrived.*, before, is_plain and before.id is not null and has_all(ops[1].seen, state.seen)
        and not exists (select from conflict where conflict.entity = arrived.entity and conflict.id = arrived.id) as is_next
      from arrived left join entity_state as state using (entity, id)
      left join product as before on arrived.is_plain and before.id = arrived.id
    ), noted as (
      update entity_state as state set
        seen = seen || jsonb_build_object(node, sequence),
        edits = edits || jsonb_build_object(node, sequence),
        clock = greatest(state.clock, judged.clock),
        updated_at = greatest(updated_at, written_at)
      from judged where is_next and (state.entity, state.id) = (judged.entity, judged.id)
    ), put as (
      update product set description = its.description, price = its.price, discontinued = its.discontinued,
        tags = its.tags, supplier_id = its.supplier_id, created_at = its.created_at,
        creation_key = its.creation_key, creation_hash = its.creation_hash,
        updated_at = greatest(product.updated_at, judged.written_at)
      from judged cross join jsonb_populate_record(before, (
        select jsonb_object_agg(key, value order by op.sequence)
        from unnest(ops) as op cross join jsonb_each(op.patch) where is_next
      )) as its
      where is_next and product.id = judged.id
    )
    select ops from judged where not is_next order by entity, id
  loop
    perform fold_row(others);
  end loop;
end $$;

-- Operations of one node that are not in the rows yet: this one, and later ones that came with it. Of a row
-- whose earlier operation is not among them none; it has a turn of its own.
create or replace function arrived_with(first operation) returns operation[]
  language sql stable as $$
  with later as (
    select operation as op, entity, id, (seen ->> node)::bigint as follows, sequence from operation
    where node = first.node and sequence >= first.sequence order by sequence limit 1000
  ), missing as (
    select op, sequence, coalesce((state.seen ->> first.node)::bigint, 0) as known,
      first_value(follows) over (partition by entity, id order by sequence) as follows,
      (entity, id) = (first.entity, first.id) as is_own
    from later left join entity_state as state using (entity, id)
    where coalesce((state.seen ->> first.node)::bigint, 0) < sequence
  )
  select array_agg(op order by sequence) from missing where is_own or coalesce(follows, 0) <= known
$$;

-- At the end of a transaction that brought operations.
create or replace function fold_arrived() returns trigger
  -- The apply worker's search path is empty.
  language plpgsql set search_path from current as $$
begin
  if not exists (
    select from entity_state
    where entity = new.entity and id = new.id and (seen ->> new.node)::bigint >= new.sequence
  ) then
    perform fold_batch(arrived_with(new));
  end if;
  return null;
end $$;
