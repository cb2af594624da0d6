-- Resolvers of `custom:NAME@VERSION`: pure functions of the value before and of the values that were written
-- beside one another, in the order of their clocks. One that has been in use is never changed: operations
-- name its version. A change is a function of another version.

-- The lowest price: a promise made at one site is kept at all.
create or replace function resolve_lowest_price_v1(base jsonb, written jsonb[]) returns jsonb
  language sql immutable parallel safe
  return (select min(price::bigint) from unnest(written) as price)::text::jsonb;
