-- Every mutation that would happen twice when it is sent twice takes a key. A key stands for one delivery, or one registration, of the
-- city.

alter table stock_movement
  add column idempotency_key text collate "C",
  add constraint stock_movement_key check (idempotency_key is null or reason = 'RESTOCKED' and length(idempotency_key) between 1 and 100);
create unique index restock_of_key on stock_movement (idempotency_key) where idempotency_key is not null;

-- The digest of what was asked for: the client may have changed since.
alter table client
  add column registration_key text collate "C",
  add column registration_hash text collate "C",
  add constraint client_registration_key check (
    (registration_key is null) = (registration_hash is null) and length(registration_key) between 1 and 100
  );
create unique index client_of_key on client (registration_key) where registration_key is not null;
