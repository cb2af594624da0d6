-- Operations: what their writers knew of one another.

create or replace function wall_clock() returns timestamptz
  language sql volatile return clock_timestamp();

-- The id of a new row. Two nodes never give the same one.
create or replace function new_id(number bigint) returns text
  language sql stable return (select case when is_origin then '' else id || '-' end from this_node) || number;

-- Whether the writer of one operation of a row knew the other.
create or replace function has_seen(later operation, earlier operation) returns boolean
  language sql immutable parallel safe
  return coalesce((later.seen ->> earlier.node)::bigint, 0) >= earlier.sequence;

-- Whether who has seen these has seen all of those.
create or replace function has_all(these jsonb, those jsonb) returns boolean
  language sql immutable parallel safe
  return these @> those or not exists (
    select from jsonb_each_text(those) as those
    where coalesce((these ->> those.key)::bigint, 0) < those.value::bigint
  );

-- Whether an operation says how a column changes, and not what it becomes. A CREATE says all values.
create or replace function is_relative(op operation, of_unit text) returns boolean
  language sql immutable parallel safe
  return op.kind = 'EDIT' and op.strategies ->> of_unit in ('ADD', 'UNION');

-- A change of a column as it stands in the patch of an EDIT.
create or replace function as_change(strategy text, before jsonb, after jsonb) returns jsonb
  language sql immutable parallel safe
  return case strategy
    when 'ADD' then to_jsonb(after::bigint - before::bigint)
    when 'UNION' then jsonb_build_object(
      'add', to_jsonb(array(
        select jsonb_array_elements_text(after) except select jsonb_array_elements_text(before) order by 1)),
      'remove', to_jsonb(array(
        select jsonb_array_elements_text(before) except select jsonb_array_elements_text(after) order by 1))
    )
    else after
  end;
