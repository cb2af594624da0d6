-- Compaction: the oldest operations of a row leave the log. What they have made of the row is in its bases,
-- what they have lost is in its conflicts. Nodes may do it at different times: they fold the rest alike.

-- By node the greatest sequence of a row's operations that every node has; of what this node and the others
-- have. Null if an operation is still on its way to this node: its writer may not have known what all have.
create or replace function known_to_all(own jsonb, others jsonb[]) returns jsonb
  language sql immutable parallel safe
  return case when not exists (select from unnest(others) as other where not has_all(own, other)) then (
    select coalesce(jsonb_object_agg(key, least(value::bigint, (
      select min(coalesce((other ->> key)::bigint, 0)) from unnest(others) as other
    ))), '{}') from jsonb_each_text(own)
  ) end;

-- The last operation that may go with all before it: whatever comes has seen them, so nothing will be merged
-- with them, and `kept` later ones stay. Null if none may go.
create or replace function last_to_go(of_entity text, of_id text, known jsonb, kept int) returns operation
  language sql stable as $$
  select op from (
    select
      op, position,
      lead(round) over (order by position) is distinct from round as ends_round,
      bool_and((op).sequence <= coalesce((known ->> (op).node)::bigint, 0)) over (order by position) as is_known,
      count(*) over () - position as later
    from (
      select op, round, row_number() over (order by (op).clock, (op).node, (op).sequence) as position
      from rounds_of(of_entity, of_id, null)
    ) as listed
  ) as candidate
  where ends_round and is_known and later >= kept
  order by position desc limit 1
$$;

-- The bases of a row whose log begins after an operation.
create or replace function bases_after(before jsonb, last operation) returns jsonb
  language plpgsql stable as $$
declare
  bases jsonb := before;
  unit merge_unit;
  ops operation[];
begin
  for unit in select * from merge_unit where entity = last.entity loop
    for ops in
      with rounds as (
        select round, array_agg(op order by (op).clock, (op).node, (op).sequence) as its
        from rounds_of(last.entity, last.id, unit.unit)
        where ((op).clock, (op).node, (op).sequence) <= (last.clock, last.node, last.sequence)
        group by round
      )
      -- Whoever says all columns leaves nothing of what was before.
      select its from rounds where round >= coalesce((
        select max(round) from rounds
        where cardinality(its) = 1 and not is_relative(its[1], unit.unit) and its[1].patch ?& unit.columns
      ), 0)
      order by round
    loop
      bases := bases || jsonb_build_object(unit.unit,
        values_after_round(coalesce(bases -> unit.unit, '{}'), ops, unit.unit, unit.columns));
    end loop;
  end loop;
  return bases;
end $$;

-- Lets the oldest operations of a row go. Returns how many went.
-- @param others what each other node has of the row; empty if the catalog has one node
create or replace function compact_row(of_entity text, of_id text, others jsonb[], kept int) returns int
  language plpgsql as $$
declare
  state entity_state;
  last operation;
  gone int;
begin
  select * into state from entity_state where entity = of_entity and id = of_id for update;
  last := last_to_go(of_entity, of_id, known_to_all(state.seen, others), kept);
  if last.node is null then
    return 0;
  end if;
  state.bases := bases_after(state.bases, last);
  with leaving as (
    delete from operation where entity = of_entity and id = of_id
      and (clock, node, sequence) <= (last.clock, last.node, last.sequence)
      returning *
  ), keys as (
    insert into counted_delivery (supplier_id, key, counted)
      select id, patch ->> 'key', (patch ->> 'counted')::bigint from leaving where patch ? 'key'
      on conflict do nothing
  ), named as (
    select jsonb_build_object('naming', to_jsonb(leaving) || '{"patch": {}}') as naming
    from leaving where entity = 'Product' and patch ? 'name'
    order by clock desc, node desc, sequence desc limit 1
  ), newest as (
    select node, max(sequence) as sequence, count(*) as count from leaving group by node
  )
  select
    sum(count), state.compacted || jsonb_object_agg(node, sequence),
    state.bases || coalesce((select naming from named), '{}')
    into gone, state.compacted, state.bases from newest;
  update entity_state set bases = state.bases, compacted = state.compacted where entity = of_entity and id = of_id;
  return gone;
end $$;

-- The next rows of a walk through the log that have more than `most` operations in it, with those that were
-- written to last: a row that is written all the time must not wait for the walk. The walk is over when there
-- is no `last`.
create or replace function long_logs(
  after_node text, after_sequence bigint, most int,
  out rows jsonb, out last_node text, out last_sequence bigint
)
  language sql stable as $$
  with walked as materialized (
    select node, sequence, entity, id from operation
    where (node, sequence) > (after_node, after_sequence) order by node, sequence limit 1000
  ), newest as (
    select entity, id from (select id from known_node union select this_node.id from this_node) as writer (writer)
    cross join lateral (
      select entity, operation.id from operation where node = writer order by sequence desc limit 200
    ) as its
  ), long as (
    select entity, id from (select entity, id from walked union select entity, id from newest) as seen
    where exists (
      select from operation where operation.entity = seen.entity and operation.id = seen.id offset most
    )
    limit 100
  ), last as (
    select node, sequence from walked order by node desc, sequence desc limit 1
  )
  select
    (select coalesce(jsonb_agg(to_jsonb(long)), '[]') from long), (select node from last), (select sequence from last)
$$;

-- What this node has of each of these rows. Null unless it is that node and has joined. While own operations
-- of it wait to be written again, nobody knows what they knew.
create or replace function vectors_of(of_node text, rows jsonb) returns jsonb[]
  language sql stable
  return (
    select array_agg(coalesce(seen, '{}') order by position)
    from rows from (jsonb_to_recordset(rows) as (entity text, id text)) with ordinality
      as asked (entity, id, position)
    left join entity_state using (entity, id)
    where exists (select from node_state where phase = 'JOINED')
      and (select this_node.id from this_node) = of_node
      and not exists (select from kept_operation)
  );
