-- Rules that span rows or forbid changes, and the rules of the fragment.

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'integrity_constraint_violation';
end $$;

create trigger stock_movement_append_only before update or delete on stock_movement
  for each row execute function refuse_change();
create trigger decision_is_final before update or delete on transaction_decision
  for each row execute function refuse_change();
create trigger order_line_append_only before update or delete on order_line
  for each row execute function refuse_change();
create trigger order_allocation_append_only before update or delete on order_allocation
  for each row execute function refuse_change();
create trigger reservation_append_only before update or delete on reservation
  for each row execute function refuse_change();

-- At the end of the transaction that writes an order: its allocations add up to its lines, its lines to its total.
create function check_order_adds_up() returns trigger language plpgsql as $$
begin
  if new.total is distinct from (select sum(quantity * unit_price) from order_line where order_id = new.id) then
    raise exception 'the lines of order % do not add up to its total', new.id using errcode = 'check_violation';
  end if;
  if exists (
    select from order_line line
    left join order_allocation allocation using (order_id, product_id)
    where line.order_id = new.id
    group by line.product_id, line.quantity
    having line.quantity is distinct from sum(allocation.quantity)
  ) then
    raise exception 'the allocations of order % do not add up to its lines', new.id using errcode = 'check_violation';
  end if;
  return null;
end $$;

create constraint trigger order_adds_up after insert or update on orders
  deferrable initially deferred for each row execute function check_order_adds_up();

-- An order exists if its transaction is COMMITTED (the other direction is a foreign key of orders).
create function check_decision_has_order() returns trigger language plpgsql as $$
begin
  if not exists (select from orders where id = new.transaction_id) then
    raise exception 'transaction % is COMMITTED without an order', new.transaction_id using errcode = 'check_violation';
  end if;
  return null;
end $$;

create constraint trigger committed_decision_has_order after insert on transaction_decision
  deferrable initially deferred for each row when (new.state = 'COMMITTED' and new.kind = 'ORDER')
  execute function check_decision_has_order();

-- Says which city this database is the fragment of, and makes the fragment's predicate a constraint: a client's town is one
-- of `own_towns`, or, in the default city, none of `other_towns` (all normalised). Ids carry the city.
-- Raises if the database is another city's. A changed predicate is checked against all rows, and refused if one breaks it.
create function set_fragment(city text, is_default boolean, own_towns text[], other_towns text[])
  returns void language plpgsql as $$
declare
  rule text := case
    when is_default then format('town_key <> all (%L::text[])', other_towns)
    else format('town_key = any (%L::text[])', own_towns)
  end;
  known fragment;
begin
  lock table fragment in share row exclusive mode;
  select * into known from fragment;
  if known.city_id <> city then
    raise exception 'this is the database of %, not of %', known.city_id, city using errcode = 'invalid_parameter_value';
  end if;
  if known.town_rule = rule then
    return;
  end if;
  alter table client drop constraint if exists client_town_of_city;
  execute format('alter table client add constraint client_town_of_city check (%s)', rule);
  if known.city_id is null then
    execute format('alter table client add constraint client_id_of_city check (id ~ %L)', '^' || city || ':[1-9][0-9]*$');
    execute format('alter table orders add constraint order_id_of_city check (starts_with(id, %L))', city || ':');
    execute format('alter table transaction_decision add constraint decision_of_home check (starts_with(transaction_id, %L))', city || ':');
    execute format('alter table participation add constraint participation_of_other check (home <> %L)', city);
    execute format('alter table decision_participant add constraint participant_is_other check (city_id <> %L)', city);
  end if;
  insert into fragment (city_id, town_rule) values (city, rule)
    on conflict (only_one) do update set town_rule = excluded.town_rule;
end $$;
