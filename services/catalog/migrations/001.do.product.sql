-- The catalog: what a product is and what it costs. Stock is the cities'.
-- Identifiers and sort keys compare byte by byte (collation "C"), so every instance and every page orders
-- them alike.

create extension if not exists pg_trgm;

-- The form in which names are compared. It equals normalise() of kit/src/topology/partition.ts, which a
-- property test checks. The characters between words are JavaScript's white space, spelt out.
create function normalise(value text) returns text
  language sql immutable strict parallel safe
  return btrim(
    regexp_replace(
      lower(regexp_replace(normalize(value, NFD), '[\u0300-\u036f]', '', 'g') collate "pg_c_utf8"),
      '[\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff''’-]+', '-', 'g'
    ),
    '-'
  );

create sequence product_number start 101;

create table product (
  id text collate "C" primary key default nextval('product_number')::text,
  -- With the id as the second sort key, numbers come in the order of their size.
  id_length bigint not null generated always as (length(id)) stored,
  name text not null,
  name_key text collate "C" not null generated always as (normalise(name)) stored,
  description text not null,
  -- What a search looks into. No word of a search has a hyphen, so none matches across the seam.
  search_key text collate "C" not null
    generated always as (normalise(name || ' ' || description)) stored,
  price bigint not null,
  discontinued boolean not null default false,
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  -- A key stands for one product. The digest is of what was asked for, since the product may have changed.
  creation_key text collate "C",
  creation_hash text collate "C",
  constraint product_id_length check (length(id) between 1 and 100),
  constraint product_name_length check (length(name) between 1 and 200),
  constraint product_description_length check (length(description) <= 2000),
  constraint product_price_range check (price between 1 and 1000000000),
  constraint product_name_unique unique (name_key),
  constraint product_creation_key check (
    (creation_key is null) = (creation_hash is null) and length(creation_key) between 1 and 100
  )
);
create unique index product_of_key on product (creation_key) where creation_key is not null;
create index product_by_id on product (id_length, id);
create index product_by_price on product (price, id);
create index product_by_creation on product (created_at, id);
-- Words of a search are looked for anywhere in a name or a description; their trigrams are indexed.
create index product_search on product using gin (search_key gin_trgm_ops);
-- Products that are off sale are few among the others.
create index product_discontinued on product (id_length, id) where discontinued;
