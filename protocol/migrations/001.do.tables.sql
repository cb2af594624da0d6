-- The tables of one city: its clients, its stock, its orders, its money, and what it knows of transactions.
-- Functions are in ../functions, and are created anew when they change. What is here stays as it is: a
-- change of a table is a migration of its own.
--
-- Identifiers compare byte by byte (collation "C"), so every instance and every page orders them alike.

create extension if not exists pg_trgm;

-- The form in which names are compared. It equals normalise() of kit/src/topology/partition.ts, which a
-- property test checks. The characters between words are JavaScript's white space, spelt out. Stored columns
-- follow from this function, so it is no file of its own: to change it means to compute them again.
create function normalise(value text) returns text
  language sql immutable strict parallel safe
  return btrim(
    regexp_replace(
      lower(regexp_replace(normalize(value, NFD), '[\u0300-\u036f]', '', 'g') collate "pg_c_utf8"),
      '[\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff''’-]+', '-', 'g'
    ),
    '-'
  );

-- ===== The fragment =====

-- Which city's database this is. One row, written at the first start by set_fragment.
create table fragment (
  only_one boolean primary key default true check (only_one),
  city_id text collate "C" not null,
  is_default boolean not null,
  -- The towns that are the city's or, in the default city, those that are others'.
  towns text[] collate "C" not null
);

-- ===== Clients =====

create sequence client_number;

create table client (
  id text collate "C" primary key,
  name text not null check (length(name) between 1 and 200),
  name_key text collate "C" not null generated always as (normalise(name)) stored,
  email text not null check (length(email) between 3 and 254),
  phone text check (length(phone) between 3 and 20),
  town text not null check (length(town) between 1 and 100),
  town_key text collate "C" not null generated always as (normalise(town)) stored,
  -- What a search looks in. It is stored because normalising each row's address took 2.8 s with 100,000
  -- clients. No normalised text has a line end, so no search matches across it.
  search_key text collate "C" not null
    generated always as (normalise(name) || E'\n' || normalise(email)) stored,
  registered_at timestamptz(3) not null default date_trunc('milliseconds', now()),
  -- A key stands for one registration. The digest is of what was asked for, since the client may have
  -- changed.
  registration_key text collate "C",
  registration_hash text collate "C",
  constraint client_registration_key check (
    (registration_key is null) = (registration_hash is null) and length(registration_key) between 1 and 100
  )
);
create unique index client_email on client (lower(email));
create unique index client_of_key on client (registration_key) where registration_key is not null;
create index client_by_name on client (name_key, id);
create index client_by_registration on client (registered_at, id);
create index client_by_town on client (town_key, name_key, id);
-- A search of one or two letters has no trigram. It walks the order of the page, which many clients end
-- early, or looks at all stored keys (80 ms).
create index client_search on client using gin (search_key gin_trgm_ops);

-- ===== Stock =====

create table stock (
  product_id text collate "C" primary key check (length(product_id) between 1 and 100),
  warehouse text not null,
  on_hand integer not null,
  reserved integer not null default 0,
  available integer not null generated always as (on_hand - reserved) stored,
  -- Pieces that orders have taken and not given back. Below zero where a cancellation has overtaken the
  -- confirmation of its order, which is reserved still.
  returnable integer not null default 0,
  updated_at timestamptz(3) not null default date_trunc('milliseconds', now()),
  constraint stock_reserved_within_on_hand check (0 <= reserved and reserved <= on_hand),
  -- What an order has taken can come back at any time, and cannot be refused, because the transaction has
  -- been committed. So its room is kept. Without, transfers filled a level until `on_hand` overflowed, and a
  -- cancellation failed every 5 s for good. stock_room says what is left.
  constraint stock_keeps_room check (on_hand::bigint + returnable <= 2000000000)
);
create index stock_by_available on stock (available, product_id);

-- Every change of a stock level. Appended to, never changed: the sums of the changes are the levels.
create table stock_movement (
  id bigint generated always as identity primary key,
  product_id text collate "C" not null references stock,
  reason text not null check (
    reason in ('RESTOCKED', 'RESERVED', 'RELEASED', 'CONFIRMED', 'SOLD', 'RETURNED', 'TRANSFERRED')
  ),
  on_hand_change integer not null,
  reserved_change integer not null,
  transaction_id text collate "C",
  -- A key stands for one delivery.
  idempotency_key text collate "C",
  at timestamptz(3) not null default date_trunc('milliseconds', now()),
  constraint stock_movement_cause check ((reason = 'RESTOCKED') = (transaction_id is null)),
  constraint stock_movement_key check (
    idempotency_key is null or reason = 'RESTOCKED' and length(idempotency_key) between 1 and 100
  )
);
create index stock_movement_by_product on stock_movement (product_id, id);
create unique index restock_of_key on stock_movement (idempotency_key) where idempotency_key is not null;

-- ===== Home: the decisions of this city's transactions, and what they have done =====

-- How a transaction of this city was decided. A decision is written once and never changes.
create table transaction_decision (
  transaction_id text collate "C" primary key,
  -- Null for a fence, which knows the id alone.
  kind text check (kind in ('ORDER', 'CANCELLATION', 'TRANSFER')),
  state text not null check (state in ('COMMITTED', 'ABORTED')),
  -- Null for transfers, which belong to the city.
  client_id text collate "C",
  idempotency_key text collate "C",
  request_hash text collate "C",
  -- A digest of the commit message that led to the decision; null for a fence. Another message under the id
  -- is refused.
  message_digest text,
  -- What the commit answered, to be given again when the message comes again.
  answer jsonb not null,
  decided_at timestamptz(3) not null,
  unique (transaction_id, state),
  constraint committed_decision_is_whole check (
    state = 'ABORTED'
    or kind is not null and idempotency_key is not null and request_hash is not null
      and (client_id is not null or kind = 'TRANSFER')
  )
);
-- A key stands for one transaction of its kind: of a client or, for transfers, of the city. The city is the
-- empty text there: PostgreSQL does not search an index by "is not distinct from", and many clients may
-- choose one key.
create unique index decision_of_key on transaction_decision (kind, idempotency_key, coalesce(client_id, ''))
  where state = 'COMMITTED';
create index decision_by_time on transaction_decision (decided_at, transaction_id);
-- For `City.transactions(state: ABORTED)`. Aborted transactions are few among the committed ones: without the
-- index a page of them read the whole table (3,534 buffers, now 24). Committed ones cost it nothing.
create index decision_aborted_by_time on transaction_decision (decided_at, transaction_id)
  where state = 'ABORTED';
-- In the order in which they are pruned.
create index decision_aborted_by_id_time on transaction_decision (split_part(transaction_id, ':', 2))
  where state = 'ABORTED';

-- Whom a committed transaction takes stock from, what, and whether they have acknowledged it.
create table decision_participant (
  transaction_id text collate "C" not null references transaction_decision,
  city_id text collate "C" not null,
  lines jsonb not null,
  acknowledged_at timestamptz(3),
  attempts integer not null default 0,
  next_attempt_at timestamptz(3) not null,
  primary key (transaction_id, city_id)
);
create index participant_to_tell on decision_participant (next_attempt_at) where acknowledged_at is null;

create table orders (
  id text collate "C" primary key,
  client_id text collate "C" not null references client,
  status text not null check (status in ('PLACED', 'CANCELLED')),
  total bigint not null check (total between 0 and 9007199254740991),
  payment_method text not null check (length(payment_method) between 1 and 50),
  placed_at timestamptz(3) not null,
  cancelled_by text collate "C" unique,
  cancelled_at timestamptz(3),
  -- An order exists only if its transaction is COMMITTED, and is cancelled only if its cancellation is.
  decision text not null generated always as ('COMMITTED') stored,
  foreign key (id, decision) references transaction_decision (transaction_id, state),
  foreign key (cancelled_by, decision) references transaction_decision (transaction_id, state),
  constraint order_cancelled_by_transaction check (
    (status = 'CANCELLED') = (cancelled_by is not null) and (cancelled_by is null) = (cancelled_at is null)
  )
);
create index orders_by_time on orders (placed_at, id);
create index orders_by_total on orders (total, id);
create index orders_of_client_by_time on orders (client_id, placed_at, id);
create index orders_of_client_by_total on orders (client_id, total, id);
-- Cancelled orders are few among the placed ones.
create index orders_cancelled_by_time on orders (placed_at, id) where status = 'CANCELLED';

create table order_line (
  order_id text collate "C" not null references orders,
  product_id text collate "C" not null,
  quantity integer not null check (quantity > 0),
  unit_price bigint not null check (unit_price >= 0),
  primary key (order_id, product_id)
);
create index order_line_by_product on order_line (product_id);

create table order_allocation (
  order_id text collate "C" not null,
  product_id text collate "C" not null,
  city_id text collate "C" not null,
  quantity integer not null check (quantity > 0),
  primary key (order_id, product_id, city_id),
  foreign key (order_id, product_id) references order_line
);

-- What a committed transfer has brought to this city.
create table stock_transfer (
  transaction_id text collate "C" primary key,
  product_id text collate "C" not null references stock,
  from_city_id text collate "C" not null,
  quantity integer not null check (quantity > 0),
  decision text not null generated always as ('COMMITTED') stored,
  foreign key (transaction_id, decision) references transaction_decision (transaction_id, state)
);

-- ===== Participant: what this city knows of transactions of other cities =====

create table participation (
  transaction_id text collate "C" primary key,
  home text collate "C" not null generated always as (split_part(transaction_id, ':', 1)) stored,
  kind text check (kind in ('ORDER', 'CANCELLATION', 'TRANSFER')),
  state text not null check (state in ('PREPARED', 'COMMITTED', 'ABORTED')),
  -- When to begin asking the home. A hint, never a reason to decide. Null if an ABORT came before any
  -- prepare.
  deadline timestamptz(3),
  created_at timestamptz(3) not null,
  decided_at timestamptz(3),
  attempts integer not null default 0,
  next_attempt_at timestamptz(3) not null,
  constraint participation_decided check ((state = 'PREPARED') = (decided_at is null)),
  constraint participation_has_kind check (kind is not null or state = 'ABORTED')
);
create index participation_in_doubt on participation (next_attempt_at) where state = 'PREPARED';
create index participation_by_time on participation (created_at, transaction_id);
-- As for decisions: a page of the aborted ones, and the order in which they are pruned.
create index participation_aborted_by_time on participation (created_at, transaction_id)
  where state = 'ABORTED';
create index participation_aborted_by_id_time on participation (split_part(transaction_id, ':', 2))
  where state = 'ABORTED';

-- What a transaction holds (while PREPARED) or was given (when COMMITTED).
create table reservation (
  transaction_id text collate "C" not null references participation,
  product_id text collate "C" not null references stock,
  quantity integer not null check (quantity > 0),
  primary key (transaction_id, product_id)
);

-- Aborted transactions are pruned after a time (docs/commit-protocol.md, "The horizon"). The horizon is a
-- time that only moves forward, and is compared with the time in a transaction's id. Behind it, what has no
-- row is ABORTED: rows of aborted transactions are deleted only there, and nothing there is ever prepared or
-- committed that was not before. No row: nothing is behind it.
create table horizon (
  only_one boolean primary key default true check (only_one),
  -- The beginning of a UUIDv7, which is its time.
  bound text collate "C" not null check (bound ~ '^[0-9a-f]{8}-[0-9a-f]{4}$')
);

-- ===== Money =====

-- How the payment of an order stands. WALLET and CASH_ON_DELIVERY are settled in the transactions that
-- decide. Any other method is a provider outside, which a worker tells (next_attempt_at) what was decided, so
-- its row may be there before the order.
create table payment (
  transaction_id text collate "C" primary key,
  client_id text collate "C" not null references client,
  method text not null check (length(method) between 1 and 50),
  -- Whom a provider outside is asked to take the money of. A message that comes again asks for the same,
  -- although the client's number has changed.
  phone text check (length(phone) between 3 and 20),
  amount bigint not null check (amount between 0 and 9007199254740991),
  state text not null check (
    state in (
      'AUTHORISING', 'AUTHORISED', 'DECLINED', 'DUE', 'CAPTURED', 'VOIDING', 'VOIDED', 'REFUNDING', 'REFUNDED'
    )
  ),
  attempts integer not null default 0,
  -- When the provider is to be asked or told next; null if it is not.
  next_attempt_at timestamptz(3),
  constraint payment_settled check (
    (next_attempt_at is not null) = (state in ('AUTHORISING', 'AUTHORISED', 'VOIDING', 'REFUNDING'))
  ),
  constraint payment_has_payer check (phone is not null or method in ('WALLET', 'CASH_ON_DELIVERY'))
);
-- By method: payments whose provider hangs must not come before those of another one, over and over.
create index payment_to_settle on payment (method, next_attempt_at) where next_attempt_at is not null;

-- A wallet comes into being with the first top-up.
create table wallet (
  client_id text collate "C" primary key references client,
  -- What can be spent. With what is held, it is the sum of the wallet's entries in the ledger.
  balance bigint not null check (balance between 0 and 9007199254740991),
  held bigint not null default 0 check (held between 0 and 9007199254740991),
  -- What purchases have taken and refunds not given back. A refund cannot be refused, so its room is kept.
  refundable bigint not null default 0 check (refundable >= 0),
  constraint wallet_keeps_room check (balance + held + refundable <= 9007199254740991)
);

-- What the wallet has recorded of a transaction. A void that came first knows neither client nor amount.
create table wallet_hold (
  transaction_id text collate "C" primary key,
  client_id text collate "C",
  amount bigint check (amount between 0 and 9007199254740991),
  state text not null check (state in ('AUTHORISED', 'DECLINED', 'CAPTURED', 'VOIDED', 'REFUNDED')),
  constraint wallet_hold_of_client check (
    (client_id is null) = (amount is null) and (client_id is not null or state = 'VOIDED')
  )
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
    (reason = 'TOP_UP') = (transaction_id is null)
    and (reason = 'TOP_UP') = (client_id is not null and idempotency_key is not null)
  )
);
create unique index ledger_posting_of_transaction on ledger_posting (transaction_id)
  where transaction_id is not null;
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
