import type { Queryable } from "@teranga/kit/postgres/database.ts";
import type { Product } from "../product.ts";
import { productColumns } from "./product-columns.ts";

/**
 * Takes a product off sale; null if there is no such product. A second call changes
 * nothing, not even the time of change.
 */
export async function discontinueProduct(sql: Queryable, id: string): Promise<Product | null> {
  const [product] = await sql<Product[]>`
    update product set discontinued = true where id = ${id}
    returning ${productColumns(sql)}`;
  return product ?? null;
}
