-- How far the other nodes' logs have come to this one, for reads that must not be older than what their
-- caller has seen there (docs/reads.md).

-- One row for each other node, in bytes of its log. A read that begins after the call shows everything up to
-- `reported`; nothing after `applied` could be read before the call began; and everything up to `applied`
-- too, unless `is_applying`: PostgreSQL says that a transaction is applied a moment before others see it.
create or replace function received_positions()
  returns table (node text, timeline int, reported bigint, applied bigint, is_applying boolean)
  language plpgsql as $$
declare
  subscription oid;
begin
  for node, subscription in
    select id, pg_subscription.oid from known_node
    left join pg_subscription on subname = 'teranga_' || replace(id, '-', '_')
      and subdbid = (select oid from pg_database where datname = current_database())
    where id <> (select this_node.id from this_node)
  loop
    -- In this order: a transaction that ends between two of the looks counts as under way.
    applied := (select remote_lsn - '0/0' from pg_replication_origin_status
      where external_id = 'pg_' || subscription);
    is_applying := exists (
      select from pg_stat_subscription join pg_locks using (pid)
      where subid = subscription and locktype = 'transactionid' and mode = 'ExclusiveLock'
    );
    select report.timeline, lsn into timeline, reported from node_report as report
      where report.node = received_positions.node;
    timeline := coalesce(timeline, 0);
    reported := coalesce(reported, 0);
    -- A copy brings reports, and no position of its own.
    applied := greatest(applied, reported);
    return next;
  end loop;
end $$;
