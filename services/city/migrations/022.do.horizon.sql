-- What was aborted is pruned after a time (docs/commit-protocol.md, "The horizon"). The horizon is a time that only moves forward,
-- and is compared with the time in a transaction's id. Behind it, what has no row is ABORTED: rows of aborted transactions are deleted
-- only there, and nothing there is ever prepared or committed that was not before.

-- No row: nothing is behind it.
create table horizon (
  only_one boolean primary key default true check (only_one),
  -- The beginning of a UUIDv7, which is its time.
  bound text collate "C" not null check (bound ~ '^[0-9a-f]{8}-[0-9a-f]{4}$')
);

create function check_horizon_moves_forward() returns trigger language plpgsql as $$
begin
  if new.bound < old.bound then
    raise exception 'the horizon moves forward only' using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;
create trigger horizon_moves_forward before update on horizon for each row execute function check_horizon_moves_forward();
create trigger horizon_stays before delete on horizon for each row execute function refuse_change();

create function is_behind_horizon(transaction text) returns boolean language sql stable as $$
  select exists (select from horizon where split_part(transaction, ':', 2) collate "C" < bound);
$$;

-- Looks after the row is written, behind whoever held its id: so a row that was deleted a moment ago is found to be behind the horizon,
-- and the message that took its id for a new one is run again.
create function refuse_behind_horizon() returns trigger language plpgsql as $$
begin
  if exists (select from horizon where split_part(new.transaction_id, ':', 2) collate "C" < bound) then
    raise exception 'transaction % is behind the horizon', new.transaction_id using errcode = 'serialization_failure';
  end if;
  return null;
end $$;
create trigger prepared_not_behind_horizon after insert on participation
  for each row when (new.state = 'PREPARED') execute function refuse_behind_horizon();
create trigger committed_not_behind_horizon after insert on transaction_decision
  for each row when (new.state = 'COMMITTED') execute function refuse_behind_horizon();

-- Only what is ABORTED and behind the horizon is deleted, and what it had set aside with it.
create function is_prunable(participant_of text) returns boolean language sql stable as $$
  select exists (select from participation where transaction_id = participant_of and state = 'ABORTED') and is_behind_horizon(participant_of);
$$;
drop trigger decision_is_final on transaction_decision;
create trigger decision_is_final before update on transaction_decision for each row execute function refuse_change();
create trigger decision_stays before delete on transaction_decision
  for each row when (old.state <> 'ABORTED' or not is_behind_horizon(old.transaction_id)) execute function refuse_change();
create trigger participation_stays before delete on participation
  for each row when (old.state <> 'ABORTED' or not is_behind_horizon(old.transaction_id)) execute function refuse_change();
drop trigger reservation_append_only on reservation;
create trigger reservation_append_only before update on reservation for each row execute function refuse_change();
create trigger reservation_stays before delete on reservation
  for each row when (not is_prunable(old.transaction_id)) execute function refuse_change();

-- In the order in which they are pruned.
create index decision_aborted_by_id_time on transaction_decision (split_part(transaction_id, ':', 2)) where state = 'ABORTED';
create index participation_aborted_by_id_time on participation (split_part(transaction_id, ':', 2)) where state = 'ABORTED';

-- The messages again (006, 007, 021), each around the function that it was. A row that is pruned between two looks of one message would be
-- answered for wrongly, so the message is run again.
create function run_again(transaction text) returns void language plpgsql as $$
begin
  raise exception 'transaction % was pruned meanwhile', transaction using errcode = 'serialization_failure';
end $$;

alter function prepare_transactions rename to prepare_entries;
alter function decide_transactions rename to decide_entries;
alter function transaction_outcomes rename to outcomes_of_entries;
alter function commit_entry rename to commit_within_horizon;

-- A prepare that is behind the horizon and has no row is TOO_OLD, now and ever, and leaves none.
create function prepare_transactions(entries jsonb, now_at timestamptz)
  returns table (transaction_id text, state text, shortages jsonb) language plpgsql as $$
#variable_conflict use_column
declare
  too_old text[] := array(
    select e ->> 'transactionId' from jsonb_array_elements(entries) e, horizon
    where split_part(e ->> 'transactionId', ':', 2) collate "C" < bound
      and not exists (select from participation p where p.transaction_id = e ->> 'transactionId')
  );
begin
  if too_old <> '{}' then
    entries := (
      select coalesce(jsonb_agg(e order by position), '[]') from jsonb_array_elements(entries) with ordinality as asked (e, position)
      where e ->> 'transactionId' <> all (too_old)
    );
  end if;
  for transaction_id, state, shortages in select * from prepare_entries(entries, now_at) loop
    if state is null then
      perform run_again(transaction_id);
    end if;
    return next;
  end loop;
  return query select id, 'TOO_OLD', '[]'::jsonb from unnest(too_old) id;
end $$;

-- An ABORT that comes before its prepare leaves a row behind the horizon too, until it is deleted again: that is no harm.
-- Only a committed row contradicts an ABORT. Any other one was pruned, and perhaps written again, between two looks.
create function decide_transactions(entries jsonb, now_at timestamptz)
  returns table (transaction_id text, state text, is_new boolean) language plpgsql as $$
#variable_conflict use_column
declare
  aborted text[] := array(select e ->> 'transactionId' from jsonb_array_elements(entries) e where e ->> 'decision' = 'ABORTED');
begin
  for transaction_id, state, is_new in select * from decide_entries(entries, now_at) loop
    if state = 'VIOLATION' and transaction_id = any (aborted)
      and not exists (
        select from participation p
        where p.transaction_id = decide_transactions.transaction_id and p.state = 'COMMITTED'
      )
    then
      perform run_again(transaction_id);
    end if;
    return next;
  end loop;
end $$;

-- The fence is written behind the horizon as well: it waits for a commit of the same id that is under way, as everywhere.
create function transaction_outcomes(entries jsonb, now_at timestamptz)
  returns table (transaction_id text, state text, lines jsonb, is_new boolean) language plpgsql as $$
#variable_conflict use_column
declare
  answered integer;
begin
  begin
    return query select * from outcomes_of_entries(entries, now_at);
    get diagnostics answered = row_count;
  exception
    -- A decision of the same id was deleted and written again while the fence was.
    when unique_violation then
      perform run_again(entries -> 0 ->> 'transactionId');
  end;
  if answered <> jsonb_array_length(entries) then
    perform run_again(entries -> 0 ->> 'transactionId');
  end if;
end $$;

-- A commit that is behind the horizon and undecided is decided ABORTED, as one that is refused for another reason.
create function commit_entry(kind text, entry jsonb, here text, now_at timestamptz, retry_at timestamptz)
  returns jsonb language plpgsql as $$
declare
  transaction text := entry ->> 'transactionId';
begin
  if is_behind_horizon(transaction) then
    insert into transaction_decision (transaction_id, kind, state, message_digest, answer, decided_at)
      values (transaction, kind, 'ABORTED', md5(entry::text), '{"state": "TOO_OLD"}', now_at)
      on conflict do nothing;
    if found then
      perform void_payment(transaction, now_at);
      return '{"state": "TOO_OLD", "isNew": true}';
    end if;
  end if;
  return commit_within_horizon(kind, entry, here, now_at, retry_at);
end $$;
