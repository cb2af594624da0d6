-- Runs the files of SQL functions that have changed, in the order of their names. migrate.ts passes all files
-- in the setting `teranga.function_files`: [{"name", "script"}].
--
-- A script says `create or replace function`. That waits for no reader and no writer, and a running call goes
-- on. A function that has left the files stays until the next change, because an instance of the version
-- before may still call it.

-- PostgreSQL checks the right to create a table before it looks whether the table is there. So a role without
-- that right can start a service whose database is up to date.
do $do$
begin
  if to_regclass('function_file') is null then
    -- The digest of each file when it was last run.
    create table function_file (name text collate "C" primary key, digest text not null);
    -- The file of each function; null if the function has left the files.
    create table function_of_file (signature text collate "C" primary key, file text collate "C");
  end if;
end $do$;

do $do$
declare
  files constant jsonb := current_setting('teranga.function_files');
  outdated constant text[] := array(
    select name
    from function_file full join jsonb_to_recordset(files) as file (name text, script text) using (name)
    where digest is distinct from md5(script)
  );
  given record;
  unused text;
  before jsonb;
begin
  for attempt in 1..2 loop
    exit when outdated = '{}';
    -- A function that a trigger needs is kept, and replaced.
    for unused in delete from function_of_file where file is null and not exists (
      select from pg_depend
      where refclassid = 'pg_proc'::regclass and refobjid = to_regprocedure(signature) and deptype = 'n'
    ) returning signature loop
      execute 'drop routine if exists ' || unused;
    end loop;
    update function_of_file set file = null where file = any (outdated);
    begin
      for given in
        select name, script from jsonb_to_recordset(files) as file (name text, script text)
        where name = any (outdated) order by name collate "C"
      loop
        before := (
          select coalesce(jsonb_object_agg(oid, ctid), '{}') from pg_proc
          where pronamespace = quote_ident(current_schema)::regnamespace
        );
        execute given.script;
        insert into function_of_file (signature, file)
          select oid::regprocedure::text, given.name from pg_proc
          where pronamespace = quote_ident(current_schema)::regnamespace
            and before ->> oid::text is distinct from ctid::text
          on conflict (signature) do update set file = excluded.file;
      end loop;
      exit;
    exception when invalid_function_definition then
      -- PostgreSQL does not replace a function whose result type or parameter names have changed. The second
      -- attempt first drops the functions that these files made before.
      if attempt = 2 then
        raise;
      end if;
    end;
  end loop;
  delete from function_file where name = any (outdated);
  insert into function_file (name, digest)
    select name, md5(script) from jsonb_to_recordset(files) as file (name text, script text)
    where name = any (outdated);
end $do$;
