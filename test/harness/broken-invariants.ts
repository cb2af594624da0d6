/** What must hold of the cities' databases whenever nothing is under way, from their connections alone. */
import type { Sql } from "@teranga/kit/database.ts";

/** By city id. */
export type CityDatabases = ReadonlyMap<string, Sql>;

/** How much is still to be finished; nothing is when all are zero. */
export interface Unfinished {
  /** Participants that do not know the outcome. */
  prepared: number;
  /** Participants that a home has to tell. */
  unacknowledged: number;
  /** Payments that wait for their provider. */
  unsettled: number;
}

export async function countUnfinished(sql: Sql): Promise<Unfinished> {
  const [row] = await sql<Unfinished[]>`
    select (select count(*)::int from participation where state = 'PREPARED') as prepared,
           (select count(*)::int from decision_participant where acknowledged_at is null) as unacknowledged,
           (select count(*)::int from payment where next_attempt_at is not null) as unsettled`;
  return row!;
}

/** Every invariant of docs/commit-protocol.md that can be read from the databases at rest; what is broken, a line each. */
export async function brokenInvariants(cities: CityDatabases): Promise<string[]> {
  const broken: string[] = [];
  for (const [city, sql] of cities) {
    for (const { what, id } of [...(await brokenStock(sql)), ...(await brokenMoney(sql))])
      broken.push(`${city}: ${what}: ${id}`);
  }
  return [...broken, ...(await disagreements(cities)), ...(await unlikeDecisions(cities))];
}

interface Broken {
  what: string;
  id: string;
}

async function brokenStock(sql: Sql): Promise<Broken[]> {
  return sql<Broken[]>`
    select 'level outside its bounds' as what, product_id as id from stock where reserved < 0 or reserved > on_hand
    union all
    select 'level without its movements', product_id from stock left join (
      select product_id, sum(on_hand_change) as on_hand, sum(reserved_change) as reserved from stock_movement group by 1
    ) moved using (product_id)
    where stock.on_hand <> coalesce(moved.on_hand, 0) or stock.reserved <> coalesce(moved.reserved, 0)
    union all
    select 'stock reserved for nobody', product_id from stock left join (
      select product_id, sum(quantity) as held from reservation join participation using (transaction_id)
      where state = 'PREPARED' group by 1
    ) held using (product_id) where reserved <> coalesce(held, 0)
    union all
    select 'moved at home without a commit', m.transaction_id from stock_movement m, fragment f
    where starts_with(m.transaction_id, f.city_id || ':') and not exists (
      select from transaction_decision d where d.transaction_id = m.transaction_id and d.state = 'COMMITTED'
    )
    union all
    select 'committed without what it is for', transaction_id from transaction_decision d
    where state = 'COMMITTED' and not exists (
      select from orders where id = d.transaction_id or cancelled_by = d.transaction_id
      union all select from stock_transfer t where t.transaction_id = d.transaction_id
    )`;
}

async function brokenMoney(sql: Sql): Promise<Broken[]> {
  return sql<Broken[]>`
    select 'ledger that does not add up to zero' as what, sum(amount)::text as id from ledger_entry having sum(amount) <> 0
    union all
    select 'posting that does not add up to zero', posting_id::text from ledger_entry group by posting_id having sum(amount) <> 0
    union all
    select 'wallet below zero', client_id from wallet where balance < 0
    union all
    select 'wallet without its entries', client_id from wallet left join (
      select client_id, sum(amount) as balance from ledger_entry where account = 'WALLET' group by 1
    ) entered using (client_id) where wallet.balance + wallet.held <> coalesce(entered.balance, 0)
    union all
    select 'charge that is not what the orders say', coalesce(due.id, posted.id) from (
      select id, 'PURCHASE' as reason, client_id, -total as amount from orders where payment_method = 'WALLET' and total > 0
      union all
      select cancelled_by, 'REFUND', client_id, total from orders
      where payment_method = 'WALLET' and total > 0 and cancelled_by is not null
    ) due full join (
      select p.transaction_id as id, p.reason, e.client_id, e.amount
      from ledger_posting p join ledger_entry e on e.posting_id = p.id and e.account = 'WALLET'
      where p.reason <> 'TOP_UP'
    ) posted on posted.id = due.id and posted.reason = due.reason and posted.client_id = due.client_id
      and posted.amount = due.amount
    where due.id is null or posted.id is null`;
}

/** What homes have decided for participants is what these have given or got back, and nobody has done anything else. */
async function disagreements(cities: CityDatabases): Promise<string[]> {
  const promised: string[] = [];
  const done: string[] = [];
  for (const [city, sql] of cities) {
    const promises = await sql<{ line: string }[]>`
      select line from (
        select order_id || ' ' || city_id || ' ' || product_id || ' ' || -quantity as line, city_id from order_allocation
        union all
        select o.cancelled_by || ' ' || city_id || ' ' || product_id || ' ' || quantity, city_id
        from order_allocation a join orders o on o.id = a.order_id where o.cancelled_by is not null
        union all
        select transaction_id || ' ' || from_city_id || ' ' || product_id || ' ' || -quantity, from_city_id from stock_transfer
      ) promises where city_id <> ${city}`;
    const movements = await sql<{ line: string }[]>`
      select transaction_id || ' ' || ${city}::text || ' ' || product_id || ' ' || on_hand_change as line from stock_movement
      where transaction_id is not null and not starts_with(transaction_id, ${`${city}:`}) and on_hand_change <> 0`;
    promised.push(...promises.map(({ line }) => line));
    done.push(...movements.map(({ line }) => line));
  }
  return [
    ...without(promised, done).map((line) => `promised and not done by its participant: ${line}`),
    ...without(done, promised).map((line) => `done by a participant and not promised: ${line}`),
  ];
}

/** What `items` has more often than `others`. */
function without(items: readonly string[], others: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const item of others) counts.set(item, (counts.get(item) ?? 0) + 1);
  return items.filter((item) => {
    const left = counts.get(item) ?? 0;
    counts.set(item, left - 1);
    return left <= 0;
  });
}

/** A participant has a transaction COMMITTED if and only if its home has. */
async function unlikeDecisions(cities: CityDatabases): Promise<string[]> {
  const committed = new Set<string>();
  for (const sql of cities.values()) {
    const rows = await sql<{ id: string }[]>`
      select transaction_id as id from transaction_decision where state = 'COMMITTED'`;
    for (const { id } of rows) committed.add(id);
  }
  const unlike: string[] = [];
  for (const [city, sql] of cities) {
    const rows = await sql<{ id: string; state: string }[]>`
      select transaction_id as id, state from participation where state <> 'PREPARED'`;
    for (const { id, state } of rows) {
      if ((state === "COMMITTED") !== committed.has(id))
        unlike.push(`${city}: has ${id} ${state}, its home decided otherwise`);
    }
  }
  return unlike;
}
