/** The data of the benchmark's shop, and the checks of it afterwards. */
import { setTimeout as sleep } from "node:timers/promises";
import { CITIES } from "@teranga/infra/cities.ts";
import { type Database, openDatabase, type Sql } from "@teranga/kit/postgres/database.ts";
import { CITY_IDS, CLIENTS_OF_CITY, FIRST_CLIENT, ownerOf, PRODUCT_IDS } from "./scenarios.ts";

/** More pieces than any run can sell. */
const ON_HAND = 900_000_000;
/** A town that no city claims, so its clients belong to `autres`. */
const TOWN_OF_NOBODY = "Kaolack";

export interface Shop {
  sql: ReadonlyMap<string, Sql>;
  close(): Promise<void>;
}

/** Fills the shop: the stock of each product in one city, and many clients in every city. */
export async function openShop(databases: Record<string, string>): Promise<Shop> {
  const opened = new Map<string, Database>();
  for (const [cityId, url] of Object.entries(databases))
    opened.set(cityId, openDatabase({ url, applicationName: "bench", connections: 2 }));
  const sql = new Map([...opened].map(([cityId, database]) => [cityId, database.sql]));
  await Promise.all([...sql].map(([cityId, database]) => fill(database, cityId)));
  return {
    sql,
    close: async () => {
      await Promise.all([...opened.values()].map((database) => database.close()));
    },
  };
}

async function fill(sql: Sql, cityId: string): Promise<void> {
  const town = CITIES.find(({ id }) => id === cityId)!.towns[0] ?? TOWN_OF_NOBODY;
  const levels = PRODUCT_IDS.map((id) => ({ id, on_hand: ownerOf(id) === cityId ? ON_HAND : 0 }));
  await sql.begin(async (transaction) => {
    await transaction`
      insert into client (id, name, email, town)
      select ${cityId} || ':' || number, 'Client ' || number, 'client' || number || '@example.org', ${town}
      from generate_series(${FIRST_CLIENT}::int, ${FIRST_CLIENT + CLIENTS_OF_CITY - 1}::int) number`;
    await transaction`
      with wanted as (select id, on_hand from jsonb_to_recordset(${transaction.json(levels)}) as w (id text, on_hand int)),
      change as (
        select id, wanted.on_hand - coalesce(stock.on_hand, 0) as pieces from wanted left join stock on product_id = id
      ),
      level as (
        insert into stock (product_id, warehouse, on_hand) select id, 'Bench', on_hand from wanted
        on conflict (product_id) do update set on_hand = excluded.on_hand
      )
      insert into stock_movement (product_id, reason, on_hand_change, reserved_change)
      select id, 'RESTOCKED', pieces, 0 from change where pieces <> 0`;
  });
  // Tables that are still empty are not analysed: plans made for empty tables would later scan full ones.
  await sql`analyze client, stock`;
}

/**
 * Tells the planner the present size of the tables, as autovacuum does within a minute. Otherwise the first
 * systems and rounds would run with plans for small tables, and sessions that stay open would keep older
 * plans than new ones.
 */
export async function refreshStatistics({ sql }: Shop): Promise<void> {
  await Promise.all([...sql.values()].map((database) => database`analyze`));
}

/** The cities' own workers begin 2 s after an order, and wait longer after a failed try. */
const SETTLE_WITHIN_MS = 40_000;
const SETTLE_LOOK_MS = 100;

/** Waits until nothing is unfinished, so that no system's work falls into the time of the next system. */
export async function untilSettled({ sql }: Shop): Promise<void> {
  const deadlineMs = performance.now() + SETTLE_WITHIN_MS;
  for (;;) {
    const open = await Promise.all([...sql.values()].map(unfinished));
    if (open.every((count) => count === 0)) return;
    if (performance.now() > deadlineMs)
      throw new Error(
        `unfinished after ${SETTLE_WITHIN_MS} ms: ${CITY_IDS.map((id, index) => `${id} ${open[index]}`)}`,
      );
    await sleep(SETTLE_LOOK_MS);
  }
}

async function unfinished(sql: Sql): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select (select count(*) from participation where state = 'PREPARED')
         + (select count(*) from decision_participant where acknowledged_at is null)
         + (select count(*) from pg_prepared_xacts) as count`;
  return row!.count;
}

/**
 * Checks for each product that the pieces sold are the pieces ordered, and that nothing is reserved.
 * @throws Error naming the first product that does not add up
 */
export async function checkShop({ sql }: Shop): Promise<{ orders: number }> {
  const ordered = new Map<string, number>();
  let orders = 0;
  for (const database of sql.values()) {
    const rows = await database<{ productId: string; quantity: number }[]>`
      select product_id as "productId", sum(quantity) as quantity from order_allocation group by product_id`;
    for (const { productId, quantity } of rows)
      ordered.set(productId, (ordered.get(productId) ?? 0) + quantity);
    const [row] = await database<{ count: number }[]>`select count(*) from orders`;
    orders += row!.count;
  }
  for (const productId of PRODUCT_IDS) {
    const [level] = await sql.get(ownerOf(productId))!<{ onHand: number; reserved: number }[]>`
      select on_hand as "onHand", reserved from stock where product_id = ${productId}`;
    const gone = ON_HAND - level!.onHand;
    if (level!.reserved !== 0 || gone !== (ordered.get(productId) ?? 0))
      throw new Error(
        `product ${productId}: ${gone} gone, ${ordered.get(productId) ?? 0} ordered, ${level!.reserved} held`,
      );
  }
  return { orders };
}
