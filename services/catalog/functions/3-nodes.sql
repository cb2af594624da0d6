-- What arrives from other nodes. These triggers fire for what replication applies, and for nothing else.

-- A clock may be so far ahead of this node's, in units of an operation's clock: an hour.
create or replace function clock_ahead_max() returns bigint
  language sql immutable parallel safe return 3600000::bigint * 4096;

-- Before an operation of another node: one that was here already is skipped (a slot may deliver it twice, a
-- copy may have brought it), and one that may not be folded is laid aside, so that those after it go on.
-- Later ones of its node and row wait with it: a row's vector must not pass over an operation.
create or replace function operation_arrives() returns trigger
  language plpgsql as $$
declare
  wrong text;
begin
  if exists (
    select from entity_state
    where entity = new.entity and id = new.id and (seen ->> new.node)::bigint >= new.sequence
  ) then
    return null;
  end if;
  wrong := case
    when not exists (select from known_node where id = new.node) then 'UNKNOWN_NODE'
    when new.clock > (extract(epoch from wall_clock()) * 1000)::bigint * 4096 + clock_ahead_max()
      then 'CLOCK_AHEAD'
    else (
      select reason from refused_operation
      where node = new.node and sequence < new.sequence
        and operation ->> 'entity' = new.entity and operation ->> 'id' = new.id
      limit 1
    )
  end;
  if wrong is null then
    return new;
  end if;
  insert into refused_operation (node, sequence, operation, reason)
    values (new.node, new.sequence, to_jsonb(new), wrong)
    on conflict (node, sequence) do update set reason = excluded.reason;
  return null;
end $$;

create or replace trigger arrives before insert on operation
  for each row when (current_setting('teranga.copying', true) is distinct from 'on')
  execute function operation_arrives();
alter table operation enable replica trigger arrives;

-- A report may come as the first of its node although a copy has brought one.
create or replace function report_arrives() returns trigger
  language plpgsql as $$
begin
  update node_report set (at, timeline, lsn) = row(new.at, new.timeline, new.lsn) where node = new.node;
  if found then
    return null;
  end if;
  return new;
end $$;

create or replace trigger arrives before insert on node_report
  for each row execute function report_arrives();
alter table node_report enable replica trigger arrives;

-- Writes that a node lives. It also moves the others' positions on while nothing else is written.
create or replace function report_node(node_id text) returns void
  language sql as $$
  insert into node_report (node, at, timeline, lsn)
    select node_id, clock_timestamp(), timeline, lsn from wal_position()
  on conflict (node) do update set (at, timeline, lsn) = row(excluded.at, excluded.timeline, excluded.lsn);
$$;

-- Drops a slot, if it is there. Its receiver is cut off, and may connect again before the slot is gone: so
-- both are tried again, for a second.
create or replace function drop_slot(slot name) returns void
  language plpgsql as $$
begin
  for attempt in 1..50 loop
    perform pg_terminate_backend(active_pid, 1000) from pg_replication_slots
      where slot_name = slot and active_pid is not null;
    begin
      perform pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = slot;
      return;
    exception when object_in_use then
      if attempt = 50 then
        raise;
      end if;
    end;
    perform pg_sleep(0.02);
  end loop;
end $$;

-- The apply worker's search path is empty.
do $do$
declare
  name text;
begin
  foreach name in array array['operation_arrives()', 'report_arrives()'] loop
    execute format('alter function %s set search_path = %I, pg_temp', name, current_schema);
  end loop;
end $do$;

-- What a node has of each row, for the comparison of nodes: which operations, and a digest of the row and its
-- conflicts; not of what decides their rounds, which those that an older version told lack. There are 256
-- ranges of rows.
create or replace function row_digests(
  out entity text, out id text, out range text, out seen text, out digest text
) returns setof record
  language sql stable set timezone to 'UTC' as $$
  select
    state.entity, state.id, left(md5(state.id), 2),
    (select string_agg(key || ':' || value, ',' order by key) from jsonb_each_text(state.seen)),
    md5(coalesce(to_jsonb(product)::text, '') || coalesce(to_jsonb(supplier)::text, '') || coalesce((
      select string_agg((to_jsonb(conflict) - 'round')::text, ',' order by field, first_node, first_sequence)
      from conflict where conflict.entity = state.entity and conflict.id = state.id
    ), ''))
  from entity_state state
  left join product on state.entity = 'Product' and product.id = state.id
  left join supplier on state.entity = 'Supplier' and supplier.id = state.id
$$;
