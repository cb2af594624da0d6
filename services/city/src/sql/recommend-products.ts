import type { Queryable } from "@teranga/kit/database.ts";

export interface Recommendation {
  clientId: string;
  productId: string;
}

/**
 * For each client: products that clients of the city have bought in most orders, without those the client has bought or that
 * are not in stock in the city; ties by id.
 */
export function recommendProducts(
  sql: Queryable,
  clientIds: readonly string[],
  first: number,
): Promise<Recommendation[]> {
  return sql<Recommendation[]>`
    with popular as materialized (
      select product_id, count(*) as orders from order_line join stock using (product_id)
      where available > 0 group by product_id
    )
    select asked.client_id as "clientId", recommended.product_id as "productId"
    from unnest(${clientIds as string[]}::text[]) as asked (client_id)
    cross join lateral (
      select product_id, popular.orders from popular
      where not exists (
        select from order_line join orders on orders.id = order_line.order_id
        where orders.client_id = asked.client_id and order_line.product_id = popular.product_id
      )
      order by popular.orders desc, product_id limit ${first}
    ) recommended`;
}
