-- Functions of the migrations that each write of a row calls. They are PL/pgSQL, whose plans are kept for
-- the session: SQL functions were read and planned anew by each statement. Of the 264 us of an update of a
-- product the two generated columns that call normalise took 75 so, and the constraint of are_tags 70.

-- The form in which names are compared (migrations/001). Same signature, same results.
create or replace function normalise(value text) returns text
  language plpgsql immutable strict parallel safe as $$
begin
  return btrim(
    regexp_replace(
      lower(regexp_replace(normalize(value, NFD), '[\u0300-\u036f]', '', 'g') collate "pg_c_utf8"),
      '[\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff''’-]+', '-', 'g'
    ),
    '-'
  );
end $$;

-- Tags are in order, each once, so that equal sets are equal values.
create or replace function are_tags(tags text[]) returns boolean
  language plpgsql immutable strict parallel safe as $$
begin
  return tags = '{}' or (
    tags = array(select distinct tag collate "C" from unnest(tags) as tag order by 1)
    and (select bool_and(length(tag) between 1 and 50) from unnest(tags) as tag)
  );
end $$;
