-- Names and creation keys: unique for who writes at one node. Two nodes may give one at once. Then both
-- products stay, and the later one's conflict lists both until one is renamed.

-- From here to the end of the transaction nobody else gives this.
create or replace function claim(what text, value text) returns void
  language sql return pg_advisory_xact_lock(hashtextextended(value, hashtext(what)));

-- @throws unique_violation if another product has the name
create or replace function claim_name(of_id text, given text) returns void
  language plpgsql as $$
begin
  perform claim('name of a product', normalise(given));
  if exists (select from product where name_key = normalise(given) and id <> of_id) then
    raise unique_violation using
      message = 'another product has this name', table = 'product', constraint = 'product_name_unique';
  end if;
end $$;

-- @throws unique_violation if another row was created under the key
create or replace function claim_key(of_entity text, of_id text, key text) returns void
  language plpgsql as $$
begin
  perform claim('creation key', key);
  if of_entity = 'Product' and exists (select from product where creation_key = key and id <> of_id)
    or of_entity = 'Supplier' and exists (select from supplier where creation_key = key and id <> of_id)
  then
    raise unique_violation using
      message = 'another row was created under this key', table = lower(of_entity),
      constraint = lower(of_entity) || '_of_key';
  end if;
end $$;

-- Tells the shared names anew, after a product got or lost one of these.
create or replace function note_shared_names(of_id text, names text[]) returns void
  -- Of a table without statistics the planner takes each name for one that hundreds have, and read it whole
  -- for each row: 1,000 products in one statement took 8 s.
  language plpgsql set enable_seqscan to off as $$
declare
  keys constant text[] := array(select distinct normalise(name) from unnest(names) as name order by 1);
begin
  perform claim('name of a product', key) from unnest(keys) as key where key is not null;
  if not exists (select from product where name_key = any (keys) and id <> of_id)
    and not exists (select from conflict where entity = 'Product' and id = of_id and field = 'name_key')
  then
    return;
  end if;
  delete from conflict where entity = 'Product' and field = 'name_key'
    and (id = of_id or id in (select product.id from product where name_key = any (keys)));
  insert into conflict (
    entity, id, field, first_node, first_sequence, winner, losers, strategy, status, opened_at
  )
    select
      'Product', id, 'name_key', (naming).node, (naming).sequence,
      as_version(first, to_jsonb(first_name)) || jsonb_build_object('id', first_id),
      jsonb_build_array(as_version(naming, to_jsonb(name))), 'UNIQUE_NAME', 'OPEN', (naming).written_at
    from (
      select product.id, name, naming, first_value(naming) over holders as first,
        first_value(name) over holders as first_name, first_value(product.id) over holders as first_id
      from product cross join lateral naming_of(product.id) as naming
      where name_key = any (keys)
      window holders as (partition by name_key order by naming.clock, naming.node, naming.sequence)
    ) as holder
    where holder.id <> first_id;
end $$;

-- The last operation that named a product; without its patch if it has left the log.
create or replace function naming_of(of_id text) returns operation
  language sql stable as $$
  select coalesce((
    select operation from operation where entity = 'Product' and id = of_id and patch ? 'name'
      order by clock desc, node desc, sequence desc limit 1
  ), (
    select jsonb_populate_record(null::operation, bases -> 'naming') from entity_state
    where entity = 'Product' and id = of_id
  ))
$$;

create or replace function note_names() returns trigger
  language plpgsql as $$
begin
  perform note_shared_names(coalesce(new.id, old.id), array_remove(array[old.name, new.name], null));
  return null;
end $$;
