-- When the rules of ../functions/8-rules.sql and 7-fragment.sql are looked at.

-- A trigger needs its function, so each is declared here without a body. Their files follow within the same
-- database transaction.
create function refuse_change() returns trigger language plpgsql as 'begin end';
create function check_town() returns trigger language plpgsql as 'begin end';
create function check_order_adds_up() returns trigger language plpgsql as 'begin end';
create function check_order_change() returns trigger language plpgsql as 'begin end';
create function check_decision_has_happened() returns trigger language plpgsql as 'begin end';
create function check_posting_balances() returns trigger language plpgsql as 'begin end';
create function check_horizon_moves_forward() returns trigger language plpgsql as 'begin end';
create function refuse_behind_horizon() returns trigger language plpgsql as 'begin end';
create function is_behind_horizon(transaction text) returns boolean language plpgsql as 'begin end';
create function is_prunable(transaction text) returns boolean language plpgsql as 'begin end';

create constraint trigger client_town_of_city after insert or update of town on client
  for each row execute function check_town();

create trigger stock_movement_append_only before update or delete on stock_movement
  for each row execute function refuse_change();
create trigger order_line_append_only before update or delete on order_line
  for each row execute function refuse_change();
create trigger order_allocation_append_only before update or delete on order_allocation
  for each row execute function refuse_change();
create trigger stock_transfer_append_only before update or delete on stock_transfer
  for each row execute function refuse_change();
create trigger ledger_posting_append_only before update or delete on ledger_posting
  for each row execute function refuse_change();
create trigger ledger_entry_append_only before update or delete on ledger_entry
  for each row execute function refuse_change();

create constraint trigger order_adds_up after insert or update on orders
  deferrable initially deferred for each row execute function check_order_adds_up();
create trigger order_is_cancelled_once before update on orders
  for each row execute function check_order_change();
create trigger order_stays before delete on orders for each row execute function refuse_change();

-- An order exists if its transaction is COMMITTED, and so on; the other direction is a foreign key.
create constraint trigger committed_decision_has_happened after insert on transaction_decision
  deferrable initially deferred for each row when (new.state = 'COMMITTED')
  execute function check_decision_has_happened();
create constraint trigger posting_balances after insert on ledger_posting
  deferrable initially deferred for each row execute function check_posting_balances();
create constraint trigger entry_keeps_balance after insert on ledger_entry
  deferrable initially deferred for each row execute function check_posting_balances();

-- What is known of transactions stays, except for what is ABORTED and behind the horizon.
create trigger horizon_moves_forward before update on horizon
  for each row execute function check_horizon_moves_forward();
create trigger horizon_stays before delete on horizon for each row execute function refuse_change();
create trigger prepared_not_behind_horizon after insert on participation
  for each row when (new.state = 'PREPARED') execute function refuse_behind_horizon();
create trigger committed_not_behind_horizon after insert on transaction_decision
  for each row when (new.state = 'COMMITTED') execute function refuse_behind_horizon();
create trigger decision_is_final before update on transaction_decision
  for each row execute function refuse_change();
create trigger decision_stays before delete on transaction_decision
  for each row when (old.state <> 'ABORTED' or not is_behind_horizon(old.transaction_id))
  execute function refuse_change();
create trigger participation_stays before delete on participation
  for each row when (old.state <> 'ABORTED' or not is_behind_horizon(old.transaction_id))
  execute function refuse_change();
create trigger reservation_append_only before update on reservation
  for each row execute function refuse_change();
create trigger reservation_stays before delete on reservation
  for each row when (not is_prunable(old.transaction_id)) execute function refuse_change();
