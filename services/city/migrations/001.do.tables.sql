-- The fragment of one city: its clients, its stock, its orders, and what it knows of transactions.
-- Identifiers compare byte by byte (collation "C"), so every instance and every page orders them alike.

-- The form in which names are compared; equal to normalise() of kit/src/partition.ts, which a property test checks. The characters
-- between words are JavaScript's white space, spelt out.
create function normalise(value text) returns text
  language sql immutable strict parallel safe
  return btrim(
    regexp_replace(
      lower(regexp_replace(normalize(value, NFD), '[\u0300-\u036f]', '', 'g') collate "pg_c_utf8"),
      '[\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff''’-]+', '-', 'g'
    ),
    '-'
  );

-- Which fragment this database is. One row, written at the first start; see set_fragment.
create table fragment (
  only_one boolean primary key default true check (only_one),
  city_id text collate "C" not null,
  -- The predicate of client.town in readable form; its constraint is remade when it changes.
  town_rule text not null
);

create sequence client_number;

create table client (
  id text collate "C" primary key,
  name text not null check (length(name) between 1 and 200),
  name_key text collate "C" not null generated always as (normalise(name)) stored,
  email text not null check (length(email) between 3 and 254),
  phone text check (length(phone) between 3 and 20),
  town text not null check (length(town) between 1 and 100),
  town_key text collate "C" not null generated always as (normalise(town)) stored,
  registered_at timestamptz(3) not null default now()
);
create unique index client_email on client (lower(email));
create index client_by_name on client (name_key, id);
create index client_by_registration on client (registered_at, id);
create index client_by_town on client (town_key, name_key, id);

create table stock (
  product_id text collate "C" primary key check (length(product_id) between 1 and 100),
  warehouse text not null,
  on_hand integer not null,
  reserved integer not null default 0,
  available integer not null generated always as (on_hand - reserved) stored,
  updated_at timestamptz(3) not null default now(),
  constraint stock_reserved_within_on_hand check (0 <= reserved and reserved <= on_hand),
  constraint stock_on_hand_limit check (on_hand <= 1000000000)
);
create index stock_by_available on stock (available, product_id);

-- Every change of a stock level. Appended to, never changed: the sums of the changes are the levels.
create table stock_movement (
  id bigint generated always as identity primary key,
  product_id text collate "C" not null references stock,
  reason text not null check (reason in ('RESTOCKED', 'RESERVED', 'RELEASED', 'CONFIRMED', 'SOLD')),
  on_hand_change integer not null,
  reserved_change integer not null,
  transaction_id text collate "C",
  at timestamptz(3) not null default now(),
  constraint stock_movement_cause check ((reason = 'RESTOCKED') = (transaction_id is null))
);
create index stock_movement_by_product on stock_movement (product_id, id);

-- Home side: how transactions of this city were decided. A decision is written once and never changes.
create table transaction_decision (
  transaction_id text collate "C" primary key,
  kind text not null check (kind in ('ORDER')),
  state text not null check (state in ('COMMITTED', 'ABORTED')),
  client_id text collate "C",
  idempotency_key text collate "C",
  request_hash text collate "C",
  -- A digest of the commit message that led to the decision; null for a fence. Another message under the id is refused.
  message_digest text,
  -- What the commit answered, to be given again when the message comes again.
  answer jsonb not null,
  decided_at timestamptz(3) not null,
  unique (transaction_id, state),
  constraint committed_decision_has_key check (
    state = 'ABORTED' or (client_id is not null and idempotency_key is not null and request_hash is not null)
  )
);
-- Idempotency: a client's key stands for one order, whoever commits first.
create unique index decision_of_key on transaction_decision (client_id, idempotency_key) where state = 'COMMITTED';
create index decision_by_time on transaction_decision (decided_at, transaction_id);

-- Home side: whom a committed transaction takes stock from, what, and whether they have acknowledged it.
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
  status text not null check (status in ('PLACED')),
  total bigint not null check (total between 0 and 9007199254740991),
  payment_method text not null check (payment_method in ('CASH_ON_DELIVERY')),
  placed_at timestamptz(3) not null,
  -- An order exists only if its transaction is COMMITTED.
  decision text not null generated always as ('COMMITTED') stored,
  foreign key (id, decision) references transaction_decision (transaction_id, state)
);
create index orders_by_time on orders (placed_at, id);
create index orders_by_total on orders (total, id);
create index orders_of_client_by_time on orders (client_id, placed_at, id);
create index orders_of_client_by_total on orders (client_id, total, id);

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

-- Participant side: what this city knows of transactions of other cities.
create table participation (
  transaction_id text collate "C" primary key,
  home text collate "C" not null generated always as (split_part(transaction_id, ':', 1)) stored,
  state text not null check (state in ('PREPARED', 'COMMITTED', 'ABORTED')),
  -- When to begin asking the home. A hint, never a reason to decide. Null if an ABORT came before any prepare.
  deadline timestamptz(3),
  created_at timestamptz(3) not null,
  decided_at timestamptz(3),
  attempts integer not null default 0,
  next_attempt_at timestamptz(3) not null,
  constraint participation_decided check ((state = 'PREPARED') = (decided_at is null))
);
create index participation_in_doubt on participation (next_attempt_at) where state = 'PREPARED';
create index participation_by_time on participation (created_at, transaction_id);

-- Participant side: what a transaction holds (while PREPARED) or was given (when COMMITTED).
create table reservation (
  transaction_id text collate "C" not null references participation,
  product_id text collate "C" not null references stock,
  quantity integer not null check (quantity > 0),
  primary key (transaction_id, product_id)
);
