-- A key stands for one product; the digest is of what was asked for, since the product may have changed.
alter table product
  add column creation_key text collate "C",
  add column creation_hash text collate "C",
  add constraint product_creation_key check (
    (creation_key is null) = (creation_hash is null) and length(creation_key) between 1 and 100
  );
create unique index product_of_key on product (creation_key) where creation_key is not null;
