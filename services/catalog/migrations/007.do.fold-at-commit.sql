-- Operations of other nodes are folded when their transaction commits: each row once for all of them, and
-- rows in an order that all transactions have.
drop trigger fold on operation;
create constraint trigger fold after insert on operation deferrable initially deferred for each row
  when (current_setting('teranga.copying', true) is distinct from 'on')
  execute function fold_arrived();
alter table operation enable replica trigger fold;
