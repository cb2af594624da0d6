-- The outbox: what has changed in tables of which others keep copies (docs/reads.md). A change is a row in
-- its writer's own transaction, whoever writes. So it is visible from the commit on, and never without it.

do $do$
begin
  if to_regclass('outbox') is null then
    create table outbox (
      xid xid8 not null default pg_current_xact_id(),
      type text collate "C" not null,
      -- Null if any row of the type may have changed.
      key text collate "C",
      -- The tail looks for rows by their transactions. However often one changes a row, it has one change.
      constraint outbox_of_transaction unique nulls not distinct (xid, type, key)
    );
  end if;
end $do$;

-- Triggers of followed tables call it once a statement. Its arguments are the type and the column of the
-- key. More than 1,000 keys are one change, of the whole type: a statement costs the tail no more than that.
-- So are a truncate, and a key that is too long to be sent around.
create or replace function record_changes() returns trigger
  -- Whoever may write the table may not write the outbox.
  language plpgsql security definer as $$
declare
  keys_max constant int := 1000;
  key_length_max constant int := 200;
  column_name constant text := tg_argv[1];
  keys text[];
begin
  case tg_op
    when 'INSERT' then
      keys := array(select to_jsonb(row) ->> column_name from new_rows as row limit keys_max + 1);
    when 'DELETE' then
      keys := array(select to_jsonb(row) ->> column_name from old_rows as row limit keys_max + 1);
    when 'UPDATE' then
      keys := array(
        (select to_jsonb(row) ->> column_name from new_rows as row limit keys_max + 1)
        union (select to_jsonb(row) ->> column_name from old_rows as row limit keys_max + 1)
      );
    when 'TRUNCATE' then
      keys := array[null];
  end case;
  if cardinality(keys) > keys_max then
    keys := array[null];
  end if;
  insert into outbox (type, key)
    select tg_argv[0], case when length(key) <= key_length_max then key end from unnest(keys) as key
    on conflict do nothing;
  return null;
end $$;

-- Lets the changes of a table be recorded from now on.
create or replace function follow_changes(followed regclass, type text, key_column name) returns void
  language plpgsql as $$
declare
  event text;
  transition_tables text;
begin
  if not exists (
    select from pg_attribute where attrelid = followed and attname = key_column and not attisdropped
  ) then
    raise undefined_column using message = format('%s has no column %I', followed, key_column);
  end if;
  for event, transition_tables in values
    ('insert', 'referencing new table as new_rows'),
    ('update', 'referencing old table as old_rows new table as new_rows'),
    ('delete', 'referencing old table as old_rows'),
    ('truncate', '')
  loop
    execute format(
      'create or replace trigger outbox_%1$s after %1$s on %2$s %3$s
       for each statement execute function record_changes(%4$L, %5$L)',
      event, followed, transition_tables, type, key_column
    );
    -- Also for what a replication worker applies.
    execute format('alter table %s enable always trigger outbox_%s', followed, event);
  end loop;
end $$;

-- A function that runs with its owner's rights must not find a caller's table under the name of its own.
do $do$
begin
  execute format('alter function record_changes() set search_path = %I, pg_temp', current_schema);
end $do$;
