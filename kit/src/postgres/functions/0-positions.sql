-- Positions in this database's log (kit/src/reads/position.ts). Every database of a service has them.

-- The timelines of which positions were told. A replica with a row has certainly reached its timeline: the
-- functions of PostgreSQL do not say so reliably after a promotion.
create table if not exists timeline (id integer primary key check (id > 0));

-- What is flushed, and which transactions are under way. They are read after the position. So whatever was
-- committed up to the position is visible, except for those transactions: a commit is flushed a moment before
-- others see it, and with a synchronous replica long before. A transaction holds the lock of its number until
-- it is visible. A snapshot would not do: it lists none that is newer than the last one that has ended.
create or replace function wal_position(out timeline integer, out lsn bigint, out under_way text[])
  language plpgsql volatile as $$
begin
  lsn := pg_current_wal_flush_lsn() - '0/0'::pg_lsn;
  timeline := ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer;
  under_way := array(
    select transactionid::text from pg_locks where locktype = 'transactionid' and granted
  );
end $$;
