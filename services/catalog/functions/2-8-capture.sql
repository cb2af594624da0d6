-- Local writes become operations. Whoever writes a row with SQL replicates it.

-- Writes an operation that has seen all that is here of its row. The row is locked, so the operations of a
-- row are in the order of their sequences.
create or replace function write_operation(
  of_entity text, of_id text, kind text, patch jsonb, strategies jsonb, written_at timestamptz
) returns void
  language plpgsql as $$
declare
  own constant this_node := (select this_node from this_node);
  known entity_state;
  op operation;
begin
  op := row(own.id, nextval('operation_sequence'), of_entity, of_id, kind, patch,
    (extract(epoch from wall_clock()) * 1000)::bigint * 4096, '{}', strategies, own.rules, written_at);
  select * into known from entity_state where entity = of_entity and id = of_id for update;
  if found then
    op.seen := known.seen;
    op.clock := greatest(op.clock, known.clock + 1);
  end if;
  perform note_operation(op);
  insert into operation select op.*;
  perform follow_conflicts(op, array(select jsonb_object_keys(patch)));
end $$;

-- What is new in a row, with the strategies of the units that it touches.
create or replace function change_of(
  of_entity text, before jsonb, after jsonb, out patch jsonb, out strategies jsonb
)
  language sql stable as $$
  select
    jsonb_object_agg(field, case
      when before is null then after -> field
      else as_change(strategy, before -> field, after -> field)
    end),
    jsonb_object_agg(unit, strategy)
  from merge_unit cross join unnest(columns) as field
  where entity = of_entity and before -> field is distinct from after -> field
$$;

-- Before an update, and after an insert or a delete. An update that changes nothing is no operation.
create or replace function capture_change() returns trigger
  language plpgsql set search_path from current set timezone to 'UTC' as $$
declare
  of_entity constant text := tg_argv[0];
  before constant jsonb := to_jsonb(old);
  after constant jsonb := to_jsonb(new);
  written_at constant timestamptz(3) := wall_clock();
  change record;
begin
  if tg_op = 'DELETE' then
    perform write_operation(of_entity, old.id, 'DELETE', '{"deleted": true}', '{}', written_at);
    return null;
  end if;
  if old.id <> new.id then
    raise check_violation using message = 'an id never changes', constraint = lower(of_entity) || '_id_fixed';
  end if;
  select * into change from change_of(of_entity, before, after);
  if of_entity = 'Product' and jsonb_array_length(after -> 'tags') > 50 and change.patch ? 'tags' then
    raise check_violation using
      message = 'a product has 50 tags at most', table = 'product', constraint = 'product_tags_count';
  end if;
  if change.patch ? 'name' and of_entity = 'Product' then
    perform claim_name(new.id, new.name);
  end if;
  if tg_op = 'INSERT' then
    perform capture_insert(of_entity, after, change.patch, change.strategies);
    return null;
  end if;
  new.updated_at := old.updated_at;
  if change.patch is not null then
    new.updated_at := greatest(old.updated_at, written_at);
    perform write_operation(of_entity, new.id, 'EDIT', change.patch, change.strategies, written_at);
  end if;
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
