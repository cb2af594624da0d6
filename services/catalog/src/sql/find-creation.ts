import type { Queryable } from "@teranga/kit/postgres/database.ts";
import type { Product } from "../product.ts";
import { productColumns } from "./product-columns.ts";

/** The product that was created under a key, with the digest of its request. */
export async function findCreation(
  sql: Queryable,
  key: string,
): Promise<{ product: Product; hash: string } | null> {
  const [row] = await sql<(Product & { hash: string })[]>`
    select ${productColumns(sql)}, creation_hash as hash from product where creation_key = ${key}
    order by id_length, id limit 1`;
  if (!row) return null;
  const { hash, ...product } = row;
  return { product, hash };
}
