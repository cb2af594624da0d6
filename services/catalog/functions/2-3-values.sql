-- The value of one column after some operations.

-- The last that says what the column becomes.
create or replace function setter_of(ops operation[], of_unit text, field text) returns operation
  language sql immutable parallel safe
  return (
    select op from unnest(ops) as op
    where op.patch ? field and not is_relative(op, of_unit)
    order by op.clock desc, op.node desc, op.sequence desc limit 1
  );

-- Those that say how the column changes and that the setter did not know: whatever it was set to, they count.
create or replace function changes_beside(ops operation[], setter operation, of_unit text, field text)
  returns operation[]
  language sql immutable parallel safe
  return array(
    select op from unnest(ops) as op
    where op.patch ? field and is_relative(op, of_unit) and (setter is null or not has_seen(setter, op))
    order by op.clock, op.node, op.sequence
  );

-- A set with changes that may not know of one another, or of who set it. Whoever adds an element wins over
-- who removes it.
create or replace function changed_set(before jsonb, setter operation, changes operation[], field text)
  returns jsonb
  language sql immutable parallel safe as $$
  with touch as (
    select setter as op, jsonb_array_elements_text(setter.patch -> field) as element, true as adds
    union all select op, jsonb_array_elements_text(op.patch -> field -> 'add'), true from unnest(changes) as op
    union all select op, jsonb_array_elements_text(op.patch -> field -> 'remove'), false from unnest(changes) as op
  ), decided as (
    select element, bool_or(adds) as stays from touch as earlier
    where not exists (
      select from touch as later where later.element = earlier.element and has_seen(later.op, earlier.op)
    )
    group by element
  )
  select coalesce(jsonb_agg(element order by element collate "C"), '[]') from (
    select element from jsonb_array_elements_text(before) as held (element)
      where setter is null and element not in (select element from decided)
    union all select element from decided where stays
  ) as elements
$$;

-- The value of a column: what the setter says, with the changes beside it.
create or replace function value_after(before jsonb, ops operation[], of_unit text, field text) returns jsonb
  language plpgsql immutable parallel safe as $$
declare
  setter constant operation := setter_of(ops, of_unit, field);
  changes constant operation[] := changes_beside(ops, setter, of_unit, field);
  value constant jsonb := case when setter is null then before else setter.patch -> field end;
begin
  if changes = '{}' then
    return value;
  elsif jsonb_typeof(changes[1].patch -> field) = 'number' then
    return (
      select to_jsonb(coalesce(value::bigint, 0) + sum((op.patch -> field)::bigint)) from unnest(changes) as op
    );
  end if;
  return changed_set(before, setter, changes, field);
end $$;
