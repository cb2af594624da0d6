-- The trigger functions of rules that span rows or forbid changes.
-- migrations/002.do.triggers.sql says when each one runs.

create or replace function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'integrity_constraint_violation';
end $$;

-- Runs at the end of a transaction that writes an order: its allocations add up to its
-- lines, its lines to its total.
create or replace function check_order_adds_up() returns trigger language plpgsql as $$
begin
  if new.total is distinct from (
    select sum(quantity * unit_price) from order_line where order_id = new.id
  ) then
    raise exception 'the lines of order % do not add up to its total', new.id
      using errcode = 'check_violation';
  end if;
  if exists (
    select from order_line line
    left join order_allocation allocation using (order_id, product_id)
    where line.order_id = new.id
    group by line.product_id, line.quantity
    having line.quantity is distinct from sum(allocation.quantity)
  ) then
    raise exception 'the allocations of order % do not add up to its lines', new.id
      using errcode = 'check_violation';
  end if;
  return null;
end $$;

-- An order changes once: from PLACED to CANCELLED, by a cancellation.
create or replace function check_order_change() returns trigger language plpgsql as $$
begin
  if old.status <> 'PLACED' or new.status <> 'CANCELLED'
    or (old.id, old.client_id, old.total, old.payment_method, old.placed_at)
      is distinct from (new.id, new.client_id, new.total, new.payment_method, new.placed_at)
    or not exists (
      select from transaction_decision where transaction_id = new.cancelled_by and kind = 'CANCELLATION'
    )
  then
    raise exception 'order % can only be cancelled, once', old.id
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;

-- Runs at the end of a transaction that writes a decision. A COMMITTED decision needs its effect in the
-- database: its order, its cancelled order or its transfer.
create or replace function check_decision_has_happened() returns trigger language plpgsql as $$
begin
  if not exists (select from orders where id = new.transaction_id and new.kind = 'ORDER')
    and not exists (select from orders where cancelled_by = new.transaction_id and new.kind = 'CANCELLATION')
    and not exists (
      select from stock_transfer where transaction_id = new.transaction_id and new.kind = 'TRANSFER'
    )
  then
    raise exception 'transaction % is COMMITTED without its %', new.transaction_id, new.kind
      using errcode = 'check_violation';
  end if;
  return null;
end $$;

-- Runs at the end of a transaction that writes a posting or a ledger entry: the
-- posting's entries add up to zero.
create or replace function check_posting_balances() returns trigger language plpgsql as $$
declare
  posting bigint;
begin
  if tg_table_name = 'ledger_posting' then
    posting := new.id;
  else
    posting := new.posting_id;
  end if;
  if (select coalesce(sum(amount), 1) from ledger_entry where posting_id = posting) <> 0 then
    raise exception 'the entries of posting % do not add up to zero', posting
      using errcode = 'check_violation';
  end if;
  return null;
end $$;

-- ===== The horizon =====

create or replace function check_horizon_moves_forward() returns trigger language plpgsql as $$
begin
  if new.bound < old.bound then
    raise exception 'the horizon moves forward only' using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;

-- Runs after the row is written, when the insert has waited for any other transaction that held
-- the id. So it also sees an id that was pruned a moment ago. The message that took it for a
-- new one fails, and is run again.
create or replace function refuse_behind_horizon() returns trigger language plpgsql as $$
begin
  if exists (select from horizon where split_part(new.transaction_id, ':', 2) collate "C" < bound) then
    raise exception 'transaction % is behind the horizon', new.transaction_id
      using errcode = 'serialization_failure';
  end if;
  return null;
end $$;

-- Whether the reservations of a transaction may be deleted: only if it is ABORTED and behind the horizon.
create or replace function is_prunable(transaction text) returns boolean language sql stable as $$
  select exists (select from participation where transaction_id = transaction and state = 'ABORTED')
    and is_behind_horizon(transaction);
$$;
