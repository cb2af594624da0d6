-- The table of conflicts: it follows from the log, so it ends the same at every node.

-- A conflict's status while nothing has followed on its field.
create or replace function first_status(strategy text) returns text
  language sql immutable parallel safe return case strategy when 'MANUAL' then 'OPEN' else 'SETTLED' end;

-- An operation that has seen all before it follows on those of these fields that it touches.
create or replace function follow_conflicts(op operation, fields text[]) returns void
  language sql as $$
  update conflict set
    status = case
      when op.kind = 'RESOLUTION' then 'RESOLVED'
      when strategy = 'MANUAL' then 'SUPERSEDED'
      else 'SETTLED'
    end,
    resolved_by_node = op.node,
    resolved_by_sequence = op.sequence,
    resolved_at = op.written_at
  where entity = op.entity and id = op.id and resolved_at is null and op.patch ? field and field = any (fields)
    and field <> 'deleted'
$$;

create or replace function as_key(op operation) returns jsonb
  language sql immutable parallel safe return jsonb_build_array(op.node, op.sequence);

-- What decides a round of a unit: null if all of it does.
create or replace function deciding_in(ops operation[], of_unit text, columns text[]) returns jsonb
  language sql immutable parallel safe
  return case when cardinality(columns) = 1 and not exists (select from unnest(ops) as op where is_relative(op, of_unit))
    then jsonb_build_object(
      'heads', (select jsonb_agg(as_key(op) order by clock, node, sequence) from unnest(heads(ops)) as op),
      'ruler', (
        select as_key(op) from unnest(ops) as op order by rules desc, clock desc, node desc, sequence desc limit 1
      )
    ) end;

create or replace function note_conflict(
  ops operation[], field text, before jsonb, winner jsonb, losers jsonb, strategy text, round jsonb
) returns void
  language sql as $$
  insert into conflict (
    entity, id, field, first_node, first_sequence, base, winner, losers, strategy, status, opened_at, round
  ) values (
    ops[1].entity, ops[1].id, field, ops[1].node, ops[1].sequence, before, winner, losers, strategy,
    first_status(strategy), (select max(op.written_at) from unnest(ops) as op), round
  )
$$;

-- Forgets what a fold of some columns will tell anew. Rounds that have left the log stay; what followed on
-- them may not have left it.
create or replace function forget_conflicts(of_entity text, of_id text, fields text[]) returns void
  language sql as $$
  delete from conflict
    where entity = of_entity and id = of_id and field = any (fields)
      and exists (select from operation where (node, sequence) = (first_node, first_sequence));
  update conflict
    set status = first_status(strategy), resolved_by_node = null, resolved_by_sequence = null, resolved_at = null
    where entity = of_entity and id = of_id and field = any (fields)
      and exists (select from operation where (node, sequence) = (resolved_by_node, resolved_by_sequence));
$$;

-- A row is kept if somebody who did not know of its deletion has changed it. The deletion has lost then.
create or replace function note_lost_deletions(of_entity text, of_id text) returns void
  language sql as $$
  select forget_conflicts(of_entity, of_id, '{deleted}');
  insert into conflict (
    entity, id, field, first_node, first_sequence, base, winner, losers, strategy, status, opened_at
  )
    select
      of_entity, of_id, 'deleted', deletion.node, deletion.sequence, 'false', as_version(edit, 'false'),
      jsonb_build_array(as_version(deletion, 'true')), 'EDIT_WINS', 'SETTLED',
      greatest(edit.written_at, deletion.written_at)
    from operation as deletion cross join lateral (
      select * from operation as edit
      where edit.entity = of_entity and edit.id = of_id and edit.kind <> 'DELETE'
        and not has_seen(deletion, edit) and not has_seen(edit, deletion)
      order by clock, node, sequence limit 1
    ) as edit
    where deletion.entity = of_entity and deletion.id = of_id and deletion.kind = 'DELETE';
$$;
