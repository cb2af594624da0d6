-- What decides a round, while all of it say what one column becomes: "heads", whom no other of them has seen,
-- and "ruler", whose rules count; each is [node, sequence]. A row that two nodes never stop editing has a
-- round of thousands, and is folded from these.
alter table conflict add round jsonb;

create index deletion on operation (entity, id) where kind = 'DELETE';
