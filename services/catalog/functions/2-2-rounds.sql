-- Rounds: operations of one unit of a row that happened beside one another. Each round has seen all of the
-- rounds before it.

-- The operations of a unit in the order of their clocks, which extends what they have seen. A round ends
-- where every later operation has seen every earlier one. Of all units together if none is named.
create or replace function rounds_of(of_entity text, of_id text, of_unit text)
  returns table (round bigint, op operation)
  -- The planner takes a row for one operation: with hundreds a nested loop took ten times as long.
  language sql stable set enable_nestloop to off as $$
  with listed as materialized (
    select row_number() over (order by clock, node, sequence) as position, operation as op, node, sequence, seen
    from operation
    where entity = of_entity and id = of_id and (of_unit is null or strategies ? of_unit)
  ), by_writer as (
    select
      position,
      -- What of this writer all from here on have seen, and what there is of it before.
      min(coalesce((seen ->> writer)::bigint, 0)) over (partition by writer order by position desc) as known,
      max(sequence) filter (where node = writer) over (
        partition by writer order by position rows between unbounded preceding and 1 preceding
      ) as written
    from listed cross join (select distinct node as writer from listed) as writers
  ), start as (
    select position, bool_and(known >= coalesce(written, 0)) as starts from by_writer group by position
  )
  select sum(starts::int) over (order by position), op from start join listed using (position)
$$;

-- Those that no other of them has seen.
create or replace function heads(ops operation[]) returns operation[]
  language sql immutable parallel safe as $$
  with known as (
    select jsonb_object_agg(node, sequence) as known from (
      select key as node, max(value::bigint) as sequence
      from unnest(ops) as op cross join jsonb_each_text(op.seen)
      group by key
    ) as greatest
  )
  select array_agg(op order by op.clock, op.node, op.sequence)
  from unnest(ops) as op cross join known
  where op.sequence > coalesce((known ->> op.node)::bigint, 0)
$$;

-- Those that touch a column.
create or replace function touching(ops operation[], field text) returns operation[]
  language sql immutable parallel safe
  return array(select op from unnest(ops) as op where op.patch ? field order by op.clock, op.node, op.sequence);

-- One of them, and what it has seen of the others.
create or replace function with_past(head operation, ops operation[]) returns operation[]
  language sql immutable parallel safe
  return array(
    select op from unnest(ops) as op where (op.node, op.sequence) = (head.node, head.sequence) or has_seen(head, op)
    order by op.clock, op.node, op.sequence
  );

-- How a round is merged: as the newest rules among its writers say.
create or replace function strategy_of(ops operation[], of_unit text) returns text
  language sql immutable parallel safe
  return (
    select op.strategies ->> of_unit from unnest(ops) as op
    order by op.rules desc, op.clock desc, op.node desc, op.sequence desc limit 1
  );
