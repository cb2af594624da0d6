-- What cancellations, transfers and payments add to the fragment of a city.

-- The kinds of transactions. A fence knows the id alone, so its kind is null.
alter table transaction_decision
  drop constraint transaction_decision_kind_check,
  alter column kind drop not null,
  add constraint transaction_decision_kind_check check (kind in ('ORDER', 'CANCELLATION', 'TRANSFER')),
  drop constraint committed_decision_has_key,
  add constraint committed_decision_is_whole check (
    state = 'ABORTED'
    or kind is not null and idempotency_key is not null and request_hash is not null and (client_id is not null or kind = 'TRANSFER')
  );
-- A key stands for one transaction of its kind: of a client, or, for transfers, which are nobody's, of the city.
drop index decision_of_key;
-- Nobody is the empty text there: PostgreSQL does not search an index by "is not distinct from", and many clients may choose one key.
create unique index decision_of_key on transaction_decision (kind, idempotency_key, coalesce(client_id, ''))
  where state = 'COMMITTED';

-- Null for transactions that were aborted before kinds were recorded.
alter table participation add column kind text check (kind in ('ORDER', 'CANCELLATION', 'TRANSFER'));
update participation set kind = 'ORDER' where state <> 'ABORTED';
-- An instance of the version before must fail to prepare, rather than prepare what no decision will fit.
alter table participation add constraint participation_has_kind check (kind is not null or state = 'ABORTED');

-- Restocking ends at 1,000,000,000 pieces (restock.ts). What comes back from an order must always find room, and has over a
-- billion more before the column ends.
alter table stock drop constraint stock_on_hand_limit;

alter table stock_movement
  drop constraint stock_movement_reason_check,
  add constraint stock_movement_reason_check
    check (reason in ('RESTOCKED', 'RESERVED', 'RELEASED', 'CONFIRMED', 'SOLD', 'RETURNED', 'TRANSFERRED'));

-- Home side of a committed transfer: what this city has received.
create table stock_transfer (
  transaction_id text collate "C" primary key,
  product_id text collate "C" not null references stock,
  from_city_id text collate "C" not null,
  quantity integer not null check (quantity > 0),
  decision text not null generated always as ('COMMITTED') stored,
  foreign key (transaction_id, decision) references transaction_decision (transaction_id, state)
);

alter table orders
  drop constraint orders_status_check,
  add constraint orders_status_check check (status in ('PLACED', 'CANCELLED')),
  drop constraint orders_payment_method_check,
  add constraint orders_payment_method_check check (length(payment_method) between 1 and 50),
  add column cancelled_by text collate "C" unique,
  add column cancelled_at timestamptz(3),
  add constraint order_cancelled_by_transaction
    check ((status = 'CANCELLED') = (cancelled_by is not null) and (cancelled_by is null) = (cancelled_at is null)),
  add foreign key (cancelled_by, decision) references transaction_decision (transaction_id, state);

-- How the payment of an order stands. WALLET and CASH_ON_DELIVERY are settled in the transactions that decide; any other method
-- is a provider outside, which a worker tells (next_attempt_at) what was decided, so its row may be there before the order.
create table payment (
  transaction_id text collate "C" primary key,
  client_id text collate "C" not null references client,
  method text not null check (length(method) between 1 and 50),
  amount bigint not null check (amount between 0 and 9007199254740991),
  state text not null check (
    state in ('AUTHORISING', 'AUTHORISED', 'DECLINED', 'DUE', 'CAPTURED', 'VOIDING', 'VOIDED', 'REFUNDING', 'REFUNDED')
  ),
  attempts integer not null default 0,
  -- When the provider is to be asked or told next; null if it is not.
  next_attempt_at timestamptz(3),
  constraint payment_settled check ((next_attempt_at is not null) = (state in ('AUTHORISING', 'AUTHORISED', 'VOIDING', 'REFUNDING')))
);
create index payment_to_settle on payment (next_attempt_at) where next_attempt_at is not null;
insert into payment (transaction_id, client_id, method, amount, state)
select id, client_id, payment_method, total, 'DUE' from orders;

-- The clients' money. A wallet comes into being with the first top-up.
create table wallet (
  client_id text collate "C" primary key references client,
  balance bigint not null check (balance between 0 and 9007199254740991)
);

-- Double entry: every change of money is a posting whose entries add up to zero. Appended to, never changed.
create table ledger_posting (
  id bigint generated always as identity primary key,
  reason text not null check (reason in ('TOP_UP', 'PURCHASE', 'REFUND')),
  -- The order or the cancellation.
  transaction_id text collate "C" references transaction_decision,
  -- Of a top-up: a second one with the same key is the same.
  client_id text collate "C",
  idempotency_key text collate "C",
  at timestamptz(3) not null,
  constraint ledger_posting_cause check (
    (reason = 'TOP_UP') = (transaction_id is null) and (reason = 'TOP_UP') = (client_id is not null and idempotency_key is not null)
  )
);
create unique index ledger_posting_of_transaction on ledger_posting (transaction_id) where transaction_id is not null;
create unique index top_up_of_key on ledger_posting (client_id, idempotency_key) where reason = 'TOP_UP';

create table ledger_entry (
  id bigint generated always as identity primary key,
  posting_id bigint not null references ledger_posting,
  -- WALLET: what clients hold. CASH: what came in from outside. SALES: what the shop has earned.
  account text not null check (account in ('WALLET', 'CASH', 'SALES')),
  client_id text collate "C" references wallet,
  amount bigint not null check (amount <> 0),
  constraint ledger_entry_of_wallet check ((account = 'WALLET') = (client_id is not null))
);
create index ledger_entry_of_wallet_by_id on ledger_entry (client_id, id) where client_id is not null;
create index ledger_entry_of_posting on ledger_entry (posting_id);

create trigger stock_transfer_append_only before update or delete on stock_transfer
  for each row execute function refuse_change();
create trigger ledger_posting_append_only before update or delete on ledger_posting
  for each row execute function refuse_change();
create trigger ledger_entry_append_only before update or delete on ledger_entry
  for each row execute function refuse_change();

-- An order changes once: from PLACED to CANCELLED, by a cancellation.
create function check_order_change() returns trigger language plpgsql as $$
begin
  if old.status <> 'PLACED' or new.status <> 'CANCELLED'
    or (old.id, old.client_id, old.total, old.payment_method, old.placed_at)
      is distinct from (new.id, new.client_id, new.total, new.payment_method, new.placed_at)
    or not exists (select from transaction_decision where transaction_id = new.cancelled_by and kind = 'CANCELLATION')
  then
    raise exception 'order % can only be cancelled, once', old.id using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;
create trigger order_is_cancelled_once before update on orders for each row execute function check_order_change();
create trigger order_stays before delete on orders for each row execute function refuse_change();

-- At the end of the transaction that writes a posting, or an entry of one: its entries add up to zero.
create function check_posting_balances() returns trigger language plpgsql as $$
declare
  posting bigint;
begin
  if tg_table_name = 'ledger_posting' then
    posting := new.id;
  else
    posting := new.posting_id;
  end if;
  if (select coalesce(sum(amount), 1) from ledger_entry where posting_id = posting) <> 0 then
    raise exception 'the entries of posting % do not add up to zero', posting using errcode = 'check_violation';
  end if;
  return null;
end $$;
create constraint trigger posting_balances after insert on ledger_posting
  deferrable initially deferred for each row execute function check_posting_balances();
create constraint trigger entry_keeps_balance after insert on ledger_entry
  deferrable initially deferred for each row execute function check_posting_balances();

-- What was committed has happened: an order is there, or is cancelled, or its transfer is.
create or replace function check_decision_has_order() returns trigger language plpgsql as $$
begin
  if not exists (select from orders where id = new.transaction_id and new.kind = 'ORDER')
    and not exists (select from orders where cancelled_by = new.transaction_id and new.kind = 'CANCELLATION')
    and not exists (select from stock_transfer where transaction_id = new.transaction_id and new.kind = 'TRANSFER')
  then
    raise exception 'transaction % is COMMITTED without its %', new.transaction_id, new.kind using errcode = 'check_violation';
  end if;
  return null;
end $$;
drop trigger committed_decision_has_order on transaction_decision;
create constraint trigger committed_decision_has_happened after insert on transaction_decision
  deferrable initially deferred for each row when (new.state = 'COMMITTED')
  execute function check_decision_has_order();

-- Adds to a wallet, or takes from it, with the posting that says why. The wallet must be there, and its client's row locked.
create function post_to_wallet(
  owner_id text, change bigint, counter_account text, why text, transaction text, key text, now_at timestamptz
) returns bigint language plpgsql as $$
declare
  posting bigint;
  entry bigint;
begin
  update wallet set balance = balance + change where client_id = owner_id;
  insert into ledger_posting (reason, transaction_id, client_id, idempotency_key, at)
    values (why, transaction, case when transaction is null then owner_id end, key, now_at) returning id into posting;
  insert into ledger_entry (posting_id, account, client_id, amount) values (posting, 'WALLET', owner_id, change) returning id into entry;
  insert into ledger_entry (posting_id, account, amount) values (posting, counter_account, -change);
  return entry;
end $$;

-- Answers {"state": "ADDED" | "UNKNOWN_CLIENT" | "KEY_REUSED" | "LIMIT", "entryId"?, "balance"?}. A top-up that comes again with its
-- key is ADDED again in words alone.
create function top_up_wallet(owner_id text, change bigint, key text, balance_max bigint, now_at timestamptz)
  returns jsonb language plpgsql as $$
declare
  earlier record;
  held bigint;
begin
  perform from client where id = owner_id for no key update;
  if not found then
    return '{"state": "UNKNOWN_CLIENT"}';
  end if;
  select e.id, e.amount into earlier from ledger_posting p join ledger_entry e on e.posting_id = p.id and e.account = 'WALLET'
    where p.client_id = owner_id and p.idempotency_key = key and p.reason = 'TOP_UP';
  if found then
    return jsonb_build_object('entryId', earlier.id, 'state', case when earlier.amount = change then 'ADDED' else 'KEY_REUSED' end);
  end if;
  insert into wallet (client_id, balance) values (owner_id, 0) on conflict do nothing;
  select balance into held from wallet where client_id = owner_id;
  if held + change > balance_max then
    return jsonb_build_object('state', 'LIMIT', 'balance', held);
  end if;
  return jsonb_build_object('state', 'ADDED', 'entryId', post_to_wallet(owner_id, change, 'CASH', 'TOP_UP', null, key, now_at));
end $$;
