-- What becomes of one column in a round, by strategy.

-- The operations that get their way, before the changes of numbers and sets are added up.
create or replace function chosen_of(ops operation[], strategy text) returns operation[]
  language plpgsql immutable parallel safe as $$
begin
  return case strategy
    when 'LATEST' then with_past(ops[cardinality(ops)], ops)
    -- What was there first stays until a person chooses.
    when 'MANUAL' then with_past((heads(ops))[1], ops)
    else ops
  end;
end $$;

-- What a custom resolver makes of the values of a column's heads.
create or replace function resolved_value(
  strategy text, before jsonb, ops operation[], of_unit text, field text
) returns jsonb
  language plpgsql immutable parallel safe as $$
declare
  written constant jsonb[] := array(
    select value_after(before, with_past(head, ops), of_unit, field) from unnest(heads(touching(ops, field))) as head
  );
  resolver constant text[] := regexp_match(strategy, '^custom:([a-z_]+)@([0-9]+)$');
  value jsonb;
begin
  execute format('select %I($1, $2)', format('resolve_%s_v%s', resolver[1], resolver[2]))
    into value using before, written;
  return value;
end $$;

-- An operation that did not get its way, or did, as a conflict tells it.
create or replace function as_version(op operation, value jsonb) returns jsonb
  language sql immutable parallel safe
  return jsonb_build_object('value', value, 'node', op.node, 'sequence', op.sequence, 'at', op.written_at);

-- Of the heads of a column those whose value is not what it was set to. Each head's own value is given.
create or replace function lost_values(
  before jsonb, value jsonb, ops operation[], of_unit text, field text
) returns jsonb
  language sql immutable parallel safe
  return (
    select jsonb_agg(as_version(head, own) order by head.clock, head.node, head.sequence)
    from unnest(heads(touching(ops, field))) as head
    cross join value_after(before, with_past(head, ops), of_unit, field) as own
    where not is_relative(head, of_unit) and own is distinct from value
  );

-- Changes that do not count: those of whom was not chosen, and elements that are in although they were taken
-- out. Who set the column later and knew of them has decided about them.
create or replace function lost_changes(
  chosen operation[], value jsonb, ops operation[], of_unit text, field text
) returns jsonb
  language sql immutable parallel safe
  return (
    select jsonb_agg(
      as_version(op, op.patch -> field) || '{"isChange": true}' order by op.clock, op.node, op.sequence)
    from unnest(changes_beside(ops, null, of_unit, field)) as op
    where not exists (
      select from unnest(ops) as later
      where later.patch ? field and not is_relative(later, of_unit) and has_seen(later, op)
    ) and (
      not exists (select from unnest(chosen) as one where (one.node, one.sequence) = (op.node, op.sequence))
      or exists (
        select from jsonb_array_elements_text(op.patch -> field -> 'remove') as removed (element)
        where value ? element and not exists (
          select from unnest(ops) as later
          where has_seen(later, op) and later.patch -> field -> 'add' ? element
        )
      )
    )
  );

-- A column after a round, with what its conflict tells; losers is null if there is none.
create or replace function merge_column(
  before jsonb, ops operation[], strategy text, of_unit text, field text,
  out value jsonb, out winner jsonb, out losers jsonb
)
  language plpgsql immutable parallel safe as $$
declare
  chosen constant operation[] := chosen_of(ops, strategy);
  setter operation := setter_of(chosen, of_unit, field);
  set_to jsonb := case when setter is null then before else setter.patch -> field end;
  uncounted jsonb;
begin
  if strategy like 'custom:%' then
    value := resolved_value(strategy, before, ops, of_unit, field);
    set_to := value;
    setter := (
      select op from unnest(touching(ops, field)) as op
      where op.patch -> field = value order by op.clock, op.node, op.sequence limit 1
    );
  else
    value := value_after(before, chosen, of_unit, field);
  end if;
  losers := lost_values(before, set_to, ops, of_unit, field);
  uncounted := lost_changes(chosen, value, ops, of_unit, field);
  if uncounted is not null then
    losers := coalesce(losers, '[]') || uncounted;
  end if;
  if value is distinct from set_to then
    setter := null;
  end if;
  winner := as_version(setter, value);
end $$;

-- What a round does to the columns of a unit.
create or replace function merge_round(before jsonb, ops operation[], of_unit text, columns text[])
  returns table (field text, value jsonb, winner jsonb, losers jsonb)
  language plpgsql immutable parallel safe as $$
declare
  strategy text;
  -- If all say what one column becomes, whatever one of them has seen has no say. A row that two nodes write
  -- all the time has rounds of hundreds.
  deciding operation[] := ops;
begin
  if cardinality(ops) > 1 then
    strategy := strategy_of(ops, of_unit);
    if cardinality(columns) = 1 and not exists (select from unnest(ops) as op where is_relative(op, of_unit)) then
      deciding := heads(ops);
    end if;
  end if;
  foreach field in array columns loop
    continue when not exists (select from unnest(ops) as op where op.patch ? field);
    if cardinality(ops) = 1 then
      value := value_after(before -> field, ops, of_unit, field);
    else
      select * into value, winner, losers
        from merge_column(before -> field, deciding, strategy, of_unit, field);
    end if;
    return next;
  end loop;
end $$;
