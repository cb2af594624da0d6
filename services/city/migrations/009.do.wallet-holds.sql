-- The wallet as a payment provider (services/city/src/payments/payment-provider.ts): it can set money aside for a transaction.
--
-- The commit point does not need that, because wallet and decision are in one database: there authorise, decide and capture are one
-- local transaction, which `judge_order` and `write_order` run in their collapsed form. Whichever way is taken, money moves by
-- `post_to_wallet` alone, and `ledger_posting_of_transaction` lets a transaction take it once.
--
-- Deadlocks cannot happen: every function locks the client, then the hold. A void that is the first to name a transaction
-- locks only the hold that it inserts, and waits for nothing after.

-- `balance` is what can be spent; with what is held it is the sum of the wallet's entries in the ledger.
alter table wallet add column held bigint not null default 0 check (held between 0 and 9007199254740991);

-- What the wallet has recorded of a transaction. A void that came first knows neither client nor amount.
create table wallet_hold (
  transaction_id text collate "C" primary key,
  client_id text collate "C",
  amount bigint check (amount between 0 and 9007199254740991),
  state text not null check (state in ('AUTHORISED', 'DECLINED', 'CAPTURED', 'VOIDED', 'REFUNDED')),
  constraint wallet_hold_of_client check ((client_id is null) = (amount is null) and (client_id is not null or state = 'VOIDED'))
);

-- Answers AUTHORISED, DECLINED or VIOLATION.
create function wallet_authorise(transaction text, owner_id text, cost bigint) returns text language plpgsql as $$
declare
  known wallet_hold;
begin
  perform from client where id = owner_id for no key update;
  insert into wallet_hold (transaction_id, client_id, amount, state) values (transaction, owner_id, cost, 'DECLINED')
    on conflict do nothing;
  if not found then
    select * into strict known from wallet_hold where transaction_id = transaction;
    return case
      when known.client_id <> owner_id or known.amount <> cost then 'VIOLATION'
      when known.state in ('AUTHORISED', 'CAPTURED') then 'AUTHORISED'
      else 'DECLINED'
    end;
  end if;
  update wallet set balance = balance - cost, held = held + cost where client_id = owner_id and balance >= cost;
  -- A client without a wallet can pay nothing, or for nothing.
  if not found and cost > 0 then
    return 'DECLINED';
  end if;
  update wallet_hold set state = 'AUTHORISED' where transaction_id = transaction;
  return 'AUTHORISED';
end $$;

-- Locks the client and then the hold, and returns it; all null if there is none.
create function lock_wallet_hold(transaction text) returns wallet_hold language plpgsql as $$
declare
  known wallet_hold;
begin
  perform from client where id = (select client_id from wallet_hold where transaction_id = transaction) for no key update;
  select * into known from wallet_hold where transaction_id = transaction for no key update;
  return known;
end $$;

-- What was set aside can be spent again; how it ended is recorded.
create function release_wallet_hold(known wallet_hold, end_state text) returns void language plpgsql as $$
begin
  update wallet set balance = balance + known.amount, held = held - known.amount where client_id = known.client_id;
  update wallet_hold set state = end_state where transaction_id = known.transaction_id;
end $$;

-- Answers DONE or VIOLATION, as the next two do. Takes the money as `write_order` does, only for an order that is placed, and not
-- for one that the commit point has taken it for.
create function wallet_capture(transaction text, now_at timestamptz) returns text language plpgsql as $$
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

create function wallet_void(transaction text) returns text language plpgsql as $$
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

-- Gives the money back as `write_cancellation` does, and only for an order that is cancelled.
create function wallet_refund(transaction text, now_at timestamptz) returns text language plpgsql as $$
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
