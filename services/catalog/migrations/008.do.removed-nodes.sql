-- The databases of nodes that were taken out of the topology (pg_control_system and its oid). What they have
-- may have been compacted here since, so such a one never comes back; its node may, with an empty database.
create table removed_node (
  identity text primary key,
  node text collate "C" not null,
  removed_at timestamptz(3) not null default now()
);
