import type { Queryable } from "@teranga/kit/postgres/database.ts";
import type { Product } from "../product.ts";
import { productColumns } from "./product-columns.ts";

/**
 * The product with this name, whatever the case, accents and spacing; one of them, if two nodes have given it
 * at once.
 */
export async function findProductByName(sql: Queryable, name: string): Promise<Product | null> {
  const [product] = await sql<Product[]>`
    select ${productColumns(sql)} from product where name_key = normalise(${name})
    order by id_length, id limit 1`;
  return product ?? null;
}
