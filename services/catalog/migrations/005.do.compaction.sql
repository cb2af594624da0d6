-- By node the greatest sequence of a row's operations that have left the log.
alter table entity_state add compacted jsonb not null default '{}';

-- Deliveries that were counted under a key and whose operation has left the log: they are counted once.
create table counted_delivery (
  supplier_id text collate "C" not null,
  key text collate "C" not null,
  counted bigint not null,
  primary key (supplier_id, key)
);
