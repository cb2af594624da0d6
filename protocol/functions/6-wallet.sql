-- The clients' money.
--
-- The wallet is a payment provider too (services/city/src/payments/payment-provider.ts): it can set money
-- aside for a transaction. The commit point does not need that, because the wallet and the decision are in
-- one database. There, authorise, decide and capture collapse into one local transaction (judge_order and
-- write_order). Either way only post_to_wallet moves money, and ledger_posting_of_transaction lets a
-- transaction take it once.
--
-- Deadlocks cannot happen: every function locks the client, then the hold. A void that is the first message
-- of a transaction locks only the hold that it inserts, and waits for nothing afterwards.

-- Adds to a wallet, or takes from it, and writes the posting that says why. `refundable` grows by what
-- purchases take, which keeps room for its refund. The wallet exists and its client's row is locked.
create or replace function post_to_wallet(
  owner_id text, change bigint, counter_account text, why text, transaction text, key text, now_at timestamptz
) returns bigint language plpgsql as $$
declare
  posting bigint;
  entry bigint;
begin
  update wallet set
    balance = balance + change,
    refundable = case why when 'TOP_UP' then refundable else refundable - change end
  where client_id = owner_id;
  insert into ledger_posting (reason, transaction_id, client_id, idempotency_key, at)
    values (why, transaction, case when transaction is null then owner_id end, key, now_at)
    returning id into posting;
  insert into ledger_entry (posting_id, account, client_id, amount)
    values (posting, 'WALLET', owner_id, change) returning id into entry;
  insert into ledger_entry (posting_id, account, amount) values (posting, counter_account, -change);
  return entry;
end $$;

-- Returns {"state": "ADDED" | "UNKNOWN_CLIENT" | "KEY_REUSED" | "LIMIT", "entryId"?, "balance"?}. A repeated
-- top-up is answered ADDED and adds nothing.
create or replace function top_up_wallet(
  owner_id text, change bigint, key text, balance_max bigint, now_at timestamptz
) returns jsonb language plpgsql as $$
declare
  earlier record;
  known wallet;
begin
  perform from client where id = owner_id for no key update;
  if not found then
    return '{"state": "UNKNOWN_CLIENT"}';
  end if;
  select e.id, e.amount into earlier
    from ledger_posting p join ledger_entry e on e.posting_id = p.id and e.account = 'WALLET'
    where p.client_id = owner_id and p.idempotency_key = key and p.reason = 'TOP_UP';
  if found then
    return jsonb_build_object(
      'entryId', earlier.id,
      'state', case when earlier.amount = change then 'ADDED' else 'KEY_REUSED' end
    );
  end if;
  insert into wallet (client_id, balance) values (owner_id, 0) on conflict do nothing;
  select * into strict known from wallet where client_id = owner_id;
  if known.balance + change > balance_max
    or known.balance + known.held + known.refundable + change > 9007199254740991
  then
    return jsonb_build_object('state', 'LIMIT', 'balance', known.balance);
  end if;
  return jsonb_build_object(
    'state', 'ADDED',
    'entryId', post_to_wallet(owner_id, change, 'CASH', 'TOP_UP', null, key, now_at)
  );
end $$;

-- ===== Holds: the wallet as a payment provider =====

-- Returns AUTHORISED, DECLINED or VIOLATION.
create or replace function wallet_authorise(transaction text, owner_id text, cost bigint)
  returns text language plpgsql as $$
declare
  known wallet_hold;
begin
  perform from client where id = owner_id for no key update;
  insert into wallet_hold (transaction_id, client_id, amount, state)
    values (transaction, owner_id, cost, 'DECLINED') on conflict do nothing;
  if not found then
    select * into strict known from wallet_hold where transaction_id = transaction;
    return case
      when known.client_id <> owner_id or known.amount <> cost then 'VIOLATION'
      when known.state in ('AUTHORISED', 'CAPTURED') then 'AUTHORISED'
      else 'DECLINED'
    end;
  end if;
  update wallet set balance = balance - cost, held = held + cost
    where client_id = owner_id and balance >= cost;
  -- A client without a wallet can only pay nothing.
  if not found and cost > 0 then
    return 'DECLINED';
  end if;
  update wallet_hold set state = 'AUTHORISED' where transaction_id = transaction;
  return 'AUTHORISED';
end $$;

-- Locks the client, then the hold, and returns the hold; its columns are null if there is none.
create or replace function lock_wallet_hold(transaction text) returns wallet_hold language plpgsql as $$
declare
  known wallet_hold;
begin
  perform from client where id = (select client_id from wallet_hold where transaction_id = transaction)
    for no key update;
  select * into known from wallet_hold where transaction_id = transaction for no key update;
  return known;
end $$;

-- Gives held money back to the balance and records how the hold ended.
create or replace function release_wallet_hold(known wallet_hold, end_state text)
  returns void language plpgsql as $$
begin
  update wallet set balance = balance + known.amount, held = held - known.amount
    where client_id = known.client_id;
  update wallet_hold set state = end_state where transaction_id = known.transaction_id;
end $$;

-- Returns DONE or VIOLATION, as the next two functions do. Takes the money as `write_order` does, but only
-- for a placed order for which the commit point has not taken it already.
create or replace function wallet_capture(transaction text, now_at timestamptz)
  returns text language plpgsql as $$
declare
  known wallet_hold := lock_wallet_hold(transaction);
begin
  if known.state in ('CAPTURED', 'REFUNDED') then
    return 'DONE';
  elsif known.state is distinct from 'AUTHORISED' or not exists (select from orders where id = transaction)
    or exists (select from ledger_posting where transaction_id = transaction)
  then
    return 'VIOLATION';
  end if;
  perform release_wallet_hold(known, 'CAPTURED');
  if known.amount > 0 then
    perform post_to_wallet(known.client_id, -known.amount, 'SALES', 'PURCHASE', transaction, null, now_at);
  end if;
  return 'DONE';
end $$;

create or replace function wallet_void(transaction text) returns text language plpgsql as $$
declare
  known wallet_hold;
begin
  insert into wallet_hold (transaction_id, state) values (transaction, 'VOIDED') on conflict do nothing;
  if found then
    return 'DONE';
  end if;
  known := lock_wallet_hold(transaction);
  if known.state in ('CAPTURED', 'REFUNDED') then
    return 'VIOLATION';
  elsif known.state = 'AUTHORISED' then
    perform release_wallet_hold(known, 'VOIDED');
  end if;
  return 'DONE';
end $$;

-- Gives the money back as `write_cancellation` does, but only for a cancelled order.
create or replace function wallet_refund(transaction text, now_at timestamptz)
  returns text language plpgsql as $$
declare
  known wallet_hold := lock_wallet_hold(transaction);
  cancellation text := (select cancelled_by from orders where id = transaction);
begin
  if known.state = 'REFUNDED' then
    return 'DONE';
  elsif cancellation is null or known.state is null or known.state not in ('AUTHORISED', 'CAPTURED') then
    return 'VIOLATION';
  end if;
  if known.state = 'AUTHORISED' then
    perform release_wallet_hold(known, 'REFUNDED');
    return 'DONE';
  end if;
  update wallet_hold set state = 'REFUNDED' where transaction_id = transaction;
  if known.amount > 0 then
    perform post_to_wallet(known.client_id, known.amount, 'SALES', 'REFUND', cancellation, null, now_at);
  end if;
  return 'DONE';
end $$;
