-- Conflicts of a status that few have: the newest first, without a look at the others.
drop index conflict_open;
create index conflict_by_status on conflict (status, opened_at desc, entity, id, field);
