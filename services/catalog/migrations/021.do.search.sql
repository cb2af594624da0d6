-- Words of a search are looked for anywhere in a name or a description; their trigrams are indexed.
create extension if not exists pg_trgm;
create index product_search on product using gin (search_key gin_trgm_ops);

-- Products that are off sale are few among the others.
create index product_discontinued on product (id_length, id) where discontinued;
