/** What must hold of the databases whenever nothing is under way, and what must hold at the end. */
import { expect, vi } from "vitest";
import { CITY_IDS, type Graph } from "./graph.ts";

/** Pieces on hand over all cities, by product, and pieces in orders: what is conserved. */
async function pieces(graph: Graph): Promise<{ onHand: Map<string, number>; ordered: Map<string, number> }> {
  const onHand = new Map<string, number>();
  const ordered = new Map<string, number>();
  const add = (sums: Map<string, number>, rows: Iterable<{ product_id: string; sum: number }>) => {
    for (const { product_id, sum } of rows) sums.set(product_id, (sums.get(product_id) ?? 0) + sum);
  };
  for (const city of CITY_IDS) {
    const sql = graph.sql(city);
    add(
      onHand,
      await sql<{ product_id: string; sum: number }[]>`select product_id, on_hand as sum from stock`,
    );
    add(
      ordered,
      await sql<{ product_id: string; sum: number }[]>`
      select product_id, sum(quantity)::int as sum from order_line group by product_id`,
    );
  }
  return { onHand, ordered };
}

/** The number that must not change: on hand plus ordered, once every participant has confirmed. */
export async function stockAndOrders(graph: Graph): Promise<Record<string, number>> {
  const { onHand, ordered } = await pieces(graph);
  return Object.fromEntries([...onHand].map(([id, count]) => [id, count + (ordered.get(id) ?? 0)]));
}

/** Waits, bounded, until nothing is in doubt and every decision is acknowledged, as the recovery workers promise. */
export async function untilAtRest(graph: Graph): Promise<void> {
  await vi.waitFor(
    async () => {
      for (const city of CITY_IDS) {
        const [waiting] = await graph.sql(city)`
          select (select count(*)::int from participation where state = 'PREPARED') as prepared,
                 (select count(*)::int from decision_participant where acknowledged_at is null) as unacknowledged`;
        expect({ city, ...waiting }).toEqual({ city, prepared: 0, unacknowledged: 0 });
      }
    },
    { timeout: 25_000, interval: 50 },
  );
}

/** Every invariant of docs/commit-protocol.md that can be read from the databases at rest. */
export async function expectInvariants(graph: Graph): Promise<void> {
  for (const city of CITY_IDS) {
    const sql = graph.sql(city);
    const broken = await sql`
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
      select 'committed without an order', transaction_id from transaction_decision
      where state = 'COMMITTED' and not exists (select from orders where id = transaction_id)`;
    expect({ city, broken: [...broken] }).toEqual({ city, broken: [] });
  }
  await expectParticipantsAgree(graph);
}

/** What a home has decided for a participant is what the participant has given, and nobody has given anything else. */
async function expectParticipantsAgree(graph: Graph): Promise<void> {
  const promised: string[] = [];
  const given: string[] = [];
  for (const city of CITY_IDS) {
    const allocations = await graph.sql(city)`
      select order_id || ' ' || city_id || ' ' || product_id || ' ' || quantity as allocation from order_allocation
      where city_id <> ${city}`;
    promised.push(...allocations.map(({ allocation }) => String(allocation)));
    const reservations = await graph.sql(city)`
      select transaction_id || ' ' || ${city}::text || ' ' || product_id || ' ' || quantity as allocation
      from reservation join participation using (transaction_id) where state = 'COMMITTED'`;
    given.push(...reservations.map(({ allocation }) => String(allocation)));
  }
  expect(given.sort()).toEqual(promised.sort());
}
