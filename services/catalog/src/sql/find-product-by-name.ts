import type { Queryable } from "@teranga/kit/postgres/database.ts";
import type { Product } from "../product.ts";
import { productColumns } from "./product-columns.ts";

/** The product with this name, whatever the case, accents and spacing. */
export async function findProductByName(sql: Queryable, name: string): Promise<Product | null> {
  const [product] = await sql<Product[]>`
    select ${productColumns(sql)} from product where name_key = normalise(${name})`;
  return product ?? null;
}
