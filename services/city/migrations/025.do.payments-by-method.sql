-- Each way of paying is settled on its own: payments whose provider hangs must not come before those of another one, over and over.
drop index payment_to_settle;
create index payment_to_settle on payment (method, next_attempt_at) where next_attempt_at is not null;
