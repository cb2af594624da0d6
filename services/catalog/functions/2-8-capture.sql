-- Local writes become operations. Whoever writes a row with SQL replicates it.

-- Writes an operation that has seen all that is here of its row. The row is locked, so the operations of a
-- row are in the order of their sequences. Three plain statements: as one with data-modifying CTEs they took
-- longer to start than to run.
create or replace function write_operation(
  of_entity text, of_id text, kind text, patch jsonb, strategies jsonb, written_at timestamptz
) returns void
  language plpgsql as $$
declare
  own record;
  known record;
  its jsonb;
begin
  select this_node.id as node, rules, clock_ahead, nextval('operation_sequence') as sequence into own from this_node;
  -- As a server that is not ready: whoever asked may ask another node.
  if own.clock_ahead then
    raise cannot_connect_now using message = 'the clock of this node is more than an hour ahead of the others'', nothing is written';
  end if;
  its := jsonb_build_object(own.node, own.sequence);
  insert into entity_state as state (entity, id, seen, edits, clock, updated_at)
    values (
      of_entity, of_id, its, case kind when 'DELETE' then '{}' else its end,
      (extract(epoch from wall_clock()) * 1000)::bigint * 4096, written_at
    )
    on conflict (entity, id) do update set
      seen = state.seen || excluded.seen,
      edits = state.edits || excluded.edits,
      clock = greatest(excluded.clock, state.clock + 1),
      updated_at = greatest(state.updated_at, excluded.updated_at)
    returning
      coalesce(old.seen, '{}') as seen, new.clock as clock,
      exists (select from conflict where entity = of_entity and conflict.id = of_id) as has_conflicts
      into known;
  insert into operation (node, sequence, entity, id, kind, patch, clock, seen, strategies, rules, written_at)
    values (
      own.node, own.sequence, of_entity, of_id, kind, patch, known.clock, known.seen, strategies, own.rules, written_at
    );
  -- Most rows have none.
  if known.has_conflicts then
    perform follow_conflicts(operation, array(select jsonb_object_keys(operation.patch)))
      from operation where node = own.node and sequence = own.sequence;
  end if;
end $$;

create or replace function changed(field text, before anyelement, after anyelement) returns jsonb
  language sql stable as $$
  select case when before is distinct from after then jsonb_build_object(field, after) else '{}' end
$$;

-- The columns that are otherwise in the later version of a row, with their values. Columns are spelt out: to
-- compare both rows as JSON took a writer 100 us.
create or replace function changes_of(before product, after product) returns jsonb
  language sql stable
  return changed('name', before.name, after.name)
    || changed('description', before.description, after.description)
    || changed('price', before.price, after.price)
    || changed('discontinued', before.discontinued, after.discontinued)
    || changed('tags', before.tags, after.tags)
    || changed('supplier_id', before.supplier_id, after.supplier_id)
    || changed('created_at', before.created_at, after.created_at)
    || changed('creation_key', before.creation_key, after.creation_key)
    || changed('creation_hash', before.creation_hash, after.creation_hash);

create or replace function changes_of(before supplier, after supplier) returns jsonb
  language sql stable
  return changed('name', before.name, after.name)
    || changed('email', before.email, after.email)
    || changed('phone', before.phone, after.phone)
    || changed('deliveries', before.deliveries, after.deliveries)
    || changed('created_at', before.created_at, after.created_at)
    || changed('creation_key', before.creation_key, after.creation_key)
    || changed('creation_hash', before.creation_hash, after.creation_hash);

-- Before an update, and after an insert or a delete. An update that changes nothing is no operation.
create or replace function capture_change() returns trigger
  language plpgsql set search_path from current set timezone to 'UTC' as $$
declare
  of_entity constant text := tg_argv[0];
  written_at constant timestamptz(3) := wall_clock();
  patch jsonb;
  strategies jsonb;
  has_changes boolean;
begin
  if tg_op = 'DELETE' then
    perform write_operation(of_entity, old.id, 'DELETE', '{"deleted": true}', '{}', written_at);
    return null;
  elsif tg_op = 'INSERT' then
    patch := to_jsonb(new) - '{id,id_length,name_key,search_key,updated_at}'::text[];
  elsif old.id <> new.id then
    raise check_violation using message = 'an id never changes', constraint = lower(of_entity) || '_id_fixed';
  else
    new.updated_at := old.updated_at;
    patch := changes_of(old, new);
    if patch = '{}' then
      return new;
    end if;
  end if;
  select jsonb_object_agg(unit, strategy), bool_or(strategy in ('ADD', 'UNION')) into strategies, has_changes
    from merge_unit where entity = of_entity and patch ?| columns;
  if jsonb_array_length(patch -> 'tags') > 50 then
    raise check_violation using
      message = 'a product has 50 tags at most', table = 'product', constraint = 'product_tags_count';
  elsif patch ? 'name' and of_entity = 'Product' then
    perform claim_name(new.id, new.name);
  end if;
  if tg_op = 'INSERT' then
    perform capture_insert(of_entity, to_jsonb(new), patch, strategies);
    return null;
  end if;
  if has_changes then
    patch := patch || (
      select jsonb_object_agg(field, as_change(strategy, to_jsonb(old) -> field, patch -> field))
      from merge_unit cross join unnest(columns) as field
      where entity = of_entity and strategy in ('ADD', 'UNION') and patch ? field
    );
  end if;
  new.updated_at := greatest(old.updated_at, written_at);
  perform write_operation(of_entity, new.id, 'EDIT', patch, strategies, written_at);
  return new;
end $$;

create or replace function capture_insert(of_entity text, given jsonb, patch jsonb, strategies jsonb)
  returns void
  language plpgsql as $$
declare
  of_id constant text := given ->> 'id';
  was_here constant boolean := exists (select from entity_state where entity = of_entity and id = of_id);
begin
  if given ->> 'creation_key' is not null then
    perform claim_key(of_entity, of_id, given ->> 'creation_key');
  end if;
  perform write_operation(of_entity, of_id, 'CREATE', patch, strategies, (given ->> 'updated_at')::timestamptz);
  if was_here then
    perform put_row(of_entity, given || row_facts(of_entity, of_id));
  end if;
end $$;

-- A person's choice among the values of a column. It is an operation even if the value stays.
-- False if the row is gone. @throws unique_violation if another product has the name that is chosen
create or replace function resolve_field(of_entity text, of_id text, field text, value jsonb) returns boolean
  language plpgsql set timezone to 'UTC' as $$
declare
  before constant jsonb := locked_row(of_entity, of_id);
begin
  if before is null then
    return false;
  end if;
  if of_entity = 'Product' and field = 'name' then
    perform claim_name(of_id, value #>> '{}');
  end if;
  perform write_operation(of_entity, of_id, 'RESOLUTION', jsonb_build_object(field, value),
    jsonb_build_object(unit, strategy), wall_clock())
    from merge_unit where entity = of_entity and field = any (columns);
  perform put_row(of_entity, before || jsonb_build_object(field, value) || row_facts(of_entity, of_id));
  if of_entity = 'Product' and field = 'name' then
    perform note_shared_names(of_id, array[before ->> 'name', value #>> '{}']);
  end if;
  return true;
end $$;

-- Chooses a value for a conflict: 'DONE', 'SAME' if that was chosen before, 'ENDED' if another one has
-- followed, 'GONE' if there is no such conflict or row any more. A choice that has left the log is what the
-- row shows.
create or replace function resolve_conflict(of_conflict conflict, value jsonb) returns text
  language plpgsql as $$
declare
  before constant jsonb := locked_row(of_conflict.entity, of_conflict.id);
  found conflict;
begin
  select * into found from conflict where (entity, id, field, first_node, first_sequence) =
    (of_conflict.entity, of_conflict.id, of_conflict.field, of_conflict.first_node, of_conflict.first_sequence);
  if found.resolved_at is not null then
    return case when found.status = 'RESOLVED' and value = coalesce((
      select patch -> found.field from operation
        where (node, sequence) = (found.resolved_by_node, found.resolved_by_sequence)
    ), before -> found.field) then 'SAME' else 'ENDED' end;
  elsif found.id is not null and resolve_field(found.entity, found.id, found.field, value) then
    return 'DONE';
  end if;
  return 'GONE';
end $$;

-- Counts deliveries, once a key: 'DONE', 'OTHER' if the key stands for another number, 'GONE' if there is no
-- such supplier. The key is in the operation, so other nodes know it too.
create or replace function record_deliveries(of_id text, count bigint, given_key text) returns text
  language plpgsql as $$
declare
  before constant jsonb := locked_row('Supplier', of_id);
  after constant jsonb := to_jsonb((before ->> 'deliveries')::bigint + count);
  counted bigint;
begin
  if before is null then
    return 'GONE';
  end if;
  select (patch ->> 'counted')::bigint into counted from operation
    where entity = 'Supplier' and id = of_id and patch ->> 'key' = given_key limit 1;
  if counted is null then
    select its.counted into counted from counted_delivery as its where supplier_id = of_id and key = given_key;
  end if;
  if counted is not null then
    return case when counted = count then 'DONE' else 'OTHER' end;
  end if;
  perform write_operation('Supplier', of_id, 'EDIT', jsonb_strip_nulls(jsonb_build_object(
      'deliveries', as_change(strategy, before -> 'deliveries', after), 'counted', count, 'key', given_key
    )), jsonb_build_object(unit, strategy), wall_clock())
    from merge_unit where entity = 'Supplier' and unit = 'deliveries';
  perform put_row('Supplier', before || jsonb_build_object('deliveries', after) || row_facts('Supplier', of_id));
  return 'DONE';
end $$;

-- A truncated table of a single node has no past. Of several nodes the others would keep their rows.
create or replace function forget_rows() returns trigger
  language plpgsql set search_path from current as $$
begin
  if exists (select from pg_subscription where subdbid = (select oid from pg_database where datname = current_database())) then
    raise feature_not_supported using message = 'other nodes have these rows too: delete them';
  end if;
  delete from operation where entity = tg_argv[0];
  delete from entity_state where entity = tg_argv[0];
  delete from conflict where entity = tg_argv[0];
  delete from counted_delivery where tg_argv[0] = 'Supplier';
  return null;
end $$;
