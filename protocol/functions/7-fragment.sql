-- Which clients belong to this city. The rule is a row (fragment) that a constraint trigger reads,
-- because changing a row disturbs no reader. Replacing a check constraint would wait for every
-- transaction that reads clients.

create or replace function is_own_town(town_key text, fragment fragment)
  returns boolean language sql immutable
  return (town_key = any (fragment.towns)) <> fragment.is_default;

-- Locks the rule until the client's transaction ends. So a change of the rule sees this client, and a client
-- that waited for a change is checked by the new rule.
create or replace function check_town() returns trigger language plpgsql as $$
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

-- Records which city this database is the fragment of, and the predicate on a client's town: one of
-- `own_towns` or, in the default city, none of `other_towns` (all normalised). Ids carry the city.
-- Raises if the database belongs to another city. Checks a changed predicate against all clients, and
-- refuses it if a client breaks it.
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
    raise exception 'this is the database of %, not of %', known.city_id, city
      using errcode = 'invalid_parameter_value';
  end if;
  if known = wanted then
    return;
  end if;
  if known.city_id is null then
    execute format($ddl$
      alter table client add constraint client_id_of_city check (id ~ %2$L);
      alter table orders add constraint order_id_of_city check (starts_with(id, %3$L));
      alter table transaction_decision
        add constraint decision_of_home check (starts_with(transaction_id, %3$L));
      alter table participation add constraint participation_of_other check (home <> %1$L);
      alter table decision_participant add constraint participant_is_other check (city_id <> %1$L);
    $ddl$, city, '^' || city || ':[1-9][0-9]*$', city || ':');
  end if;
  -- Waits for clients that are being written, and makes later ones wait.
  insert into fragment select wanted.*
    on conflict (only_one) do update set is_default = excluded.is_default, towns = excluded.towns;
  -- Jumps from one town to the next by index: a probe or two a town, however many clients there are.
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
