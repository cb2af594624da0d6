-- The fragment's predicate becomes a row that a constraint trigger reads. A check constraint had to be remade when the topology changed:
-- that waits for whoever reads clients, and whoever comes next waits behind it. To change a row disturbs no reader.

alter table fragment
  -- The towns that are the city's or, in the default city, those that are others'.
  add column is_default boolean,
  add column towns text[] collate "C";
do $$
declare
  known fragment;
  towns_now text[];
begin
  select * into known from fragment;
  if found then
    execute 'select ' || substring(known.town_rule from '\((.*)\)$') into towns_now;
    update fragment set is_default = starts_with(known.town_rule, 'town_key <>'), towns = towns_now;
  end if;
end $$;
alter table fragment
  drop column town_rule,
  alter column is_default set not null,
  alter column towns set not null;
alter table client drop constraint if exists client_town_of_city;

create function is_own_town(town_key text, fragment fragment) returns boolean language sql immutable
  return (town_key = any (fragment.towns)) <> fragment.is_default;

-- Holds the rule still until the client is committed: whoever changes it looks at this client too, and a client that has waited for a
-- change goes by the new rule.
create function check_town() returns trigger language plpgsql as $$
declare
  rule fragment;
begin
  select * into rule from fragment for share;
  if not coalesce(is_own_town(new.town_key, rule), false) then
    raise exception 'a client of % is not of this city', new.town_key
      using errcode = 'check_violation', table = 'client', constraint = 'client_town_of_city';
  end if;
  return null;
end $$;
create constraint trigger client_town_of_city after insert or update of town on client
  for each row execute function check_town();

-- Says which city this database is the fragment of, and what its predicate is: a client's town is one of `own_towns`, or, in the default
-- city, none of `other_towns` (all normalised). Ids carry the city.
-- Raises if the database is another city's. A changed predicate is checked against all clients, and refused if one breaks it.
create or replace function set_fragment(city text, is_default boolean, own_towns text[], other_towns text[])
  returns void language plpgsql as $$
declare
  wanted fragment := row (true, city, is_default, case when is_default then other_towns else own_towns end);
  known fragment;
  stranger text;
begin
  lock table fragment in share row exclusive mode;
  select * into known from fragment;
  if known.city_id <> city then
    raise exception 'this is the database of %, not of %', known.city_id, city using errcode = 'invalid_parameter_value';
  end if;
  if known = wanted then
    return;
  end if;
  if known.city_id is null then
    execute format('alter table client add constraint client_id_of_city check (id ~ %L)', '^' || city || ':[1-9][0-9]*$');
    execute format('alter table orders add constraint order_id_of_city check (starts_with(id, %L))', city || ':');
    execute format('alter table transaction_decision add constraint decision_of_home check (starts_with(transaction_id, %L))', city || ':');
    execute format('alter table participation add constraint participation_of_other check (home <> %L)', city);
    execute format('alter table decision_participant add constraint participant_is_other check (city_id <> %L)', city);
  end if;
  -- Waits for the clients that are being written, and has those that come wait.
  insert into fragment select wanted.*
    on conflict (only_one) do update set is_default = excluded.is_default, towns = excluded.towns;
  -- From one town to the next: a few probes of an index, however many clients there are.
  with recursive town as (
    (select town_key from client order by town_key limit 1)
    union all
    select (select c.town_key from client c where c.town_key > town.town_key order by c.town_key limit 1)
    from town where town.town_key is not null
  ) select town_key into stranger from town where not is_own_town(town_key, wanted) limit 1;
  if stranger is not null then
    raise exception 'a client of % is not of this city', stranger
      using errcode = 'check_violation', table = 'client', constraint = 'client_town_of_city';
  end if;
end $$;
