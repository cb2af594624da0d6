-- What a node of the catalog knows of itself and of the others (docs/catalog-nodes.md). Only `operation` and
-- `node_report` are replicated; the other tables of this file are of this database alone.

-- NEW: it may not be written yet, it copies another node's data first. JOINED: it serves. REBUILDING: it
-- serves, but what others wrote no longer comes; it copies another node's data.
create table node_state (
  phase text collate "C" not null default 'NEW' check (phase in ('NEW', 'JOINED', 'REBUILDING')),
  -- An operator has cut it off from the others.
  paused boolean not null default false
);
create unique index node_state_is_one_row on node_state ((true));
insert into node_state default values;

-- When each node last wrote here that it lives, by its own clock, and how far its log was before: whoever
-- sees the row has all that the node wrote up to there. Each writes its own row and no other.
create table node_report (
  node text collate "C" primary key,
  at timestamptz(3) not null,
  timeline int not null,
  lsn bigint not null
);

-- The nodes whose operations are taken.
create table known_node (id text collate "C" primary key);

-- The database that each subscription belongs to. A node whose data is lost comes back as another database,
-- and its log begins anew.
create table node_link (
  peer text collate "C" primary key,
  identity text not null
);

-- Operations that came and may not be folded now. They are tried again.
create table refused_operation (
  node text collate "C" not null,
  sequence bigint not null,
  operation jsonb not null,
  reason text not null check (reason in ('UNKNOWN_NODE', 'CLOCK_AHEAD')),
  refused_at timestamptz(3) not null default now(),
  primary key (node, sequence)
);

-- Own operations that no other node has, while this node copies another one's data.
create table kept_operation (
  sequence bigint primary key,
  operation jsonb not null
);

-- What other nodes subscribe to. It is there before any slot: what was written before a slot saw it would
-- not be sent, and a subscription to a publication that is not there would stay empty.
create publication teranga_operations for table operation, node_report with (publish = 'insert, update');
