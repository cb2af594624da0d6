-- Functions of the migrations that each write of a row calls. They are PL/pgSQL, whose plans are kept for
-- the session: SQL functions were read and planned anew by each statement.

-- The form in which names are compared (migrations/001). Same signature, same results. One expression of all
-- characters between words took 65 us for 240 letters; so blanks, nearly all of them, are replaced apart.
create or replace function normalise(value text) returns text
  language plpgsql immutable strict parallel safe as $$
declare
  plain text := value;
begin
  -- What is not ASCII has accents to lose, perhaps.
  if octet_length(value) > length(value) then
    plain := regexp_replace(normalize(value, NFD), '[\u0300-\u036f]', '', 'g');
  end if;
  plain := replace(regexp_replace(
    lower(plain collate "pg_c_utf8"),
    '[\t\n\v\f\r\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff''’-]+', '-', 'g'
  ), ' ', '-');
  return btrim(regexp_replace(plain, '--+', '-', 'g'), '-');
end $$;

-- Tags are in order, each once, so that equal sets are equal values.
create or replace function are_tags(tags text[]) returns boolean
  language plpgsql immutable strict parallel safe as $$
begin
  -- Most products have none, and an expression with a query is a statement of its own: 40 us.
  if tags = '{}' then
    return true;
  end if;
  return tags = array(select distinct tag collate "C" from unnest(tags) as tag order by 1)
    and (select bool_and(length(tag) between 1 and 50) from unnest(tags) as tag);
end $$;
