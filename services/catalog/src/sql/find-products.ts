import type { Queryable } from "@teranga/kit/postgres/database.ts";
import type { Product } from "../product.ts";
import { productColumns } from "./product-columns.ts";

/** The products of these ids, in no order; those that do not exist are left out. */
export async function findProducts(sql: Queryable, ids: readonly string[]): Promise<Product[]> {
  return sql<
    Product[]
  >`select ${productColumns(sql)} from product where id = any (${ids as string[]}::text[])`;
}
