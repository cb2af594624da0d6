import type { Queryable } from "@teranga/kit/postgres/database.ts";

export interface Recommendation {
  clientId: string;
  productId: string;
}

/**
 * The newest orders, which alone are counted. So the cost does not grow with the city's
 * past (300,000 lines took 70 ms).
 */
const RECENT_ORDERS = 1_000;

/**
 * For each client: the products in the largest number of the city's recent orders, without those that the
 * client has bought and those that are not available in the city. Ties are ordered by id.
 */
export function recommendProducts(
  sql: Queryable,
  clientIds: readonly string[],
  first: number,
): Promise<Recommendation[]> {
  return sql<Recommendation[]>`
    with recent as (
      select id from orders order by placed_at desc, id desc limit ${RECENT_ORDERS}
    ), popular as materialized (
      select product_id, count(*) as orders
      from recent join order_line on order_id = recent.id join stock using (product_id)
      where available > 0 group by product_id
    ), bought as materialized (
      select distinct client_id, product_id from orders join order_line on order_id = orders.id
      where client_id = any (${clientIds as string[]}::text[])
    )
    select asked.client_id as "clientId", recommended.product_id as "productId"
    from unnest(${clientIds as string[]}::text[]) as asked (client_id)
    cross join lateral (
      select product_id, popular.orders from popular
      where not exists (
        select from bought where bought.client_id = asked.client_id and bought.product_id = popular.product_id
      )
      order by popular.orders desc, product_id limit ${first}
    ) recommended`;
}
