-- The clock of this node is more than an hour ahead of those of all others that answer. They would lay aside
-- what it writes until their clocks have come so far, so it is not written.
alter table this_node add clock_ahead boolean not null default false;
