import type { Queryable } from "@teranga/kit/postgres/database.ts";
import type { Product } from "../product.ts";
import { productColumns } from "./product-columns.ts";

/** The fields of a new product. */
export interface NewProduct {
  name: string;
  description: string;
  price: number;
}

/** The idempotency key of a new product, and the digest of what it asked for. */
export interface CreationKey {
  key: string;
  hash: string;
}

/**
 * Adds a product under the next number.
 * @throws the database's error if the name (see name-taken.ts) or the key is taken
 */
export async function createProduct(
  sql: Queryable,
  { name, description, price }: NewProduct,
  creation: CreationKey | null,
): Promise<Product> {
  const [product] = await sql<Product[]>`
    insert into product (name, description, price, creation_key, creation_hash)
    values (${name}, ${description}, ${price}, ${creation?.key ?? null}, ${creation?.hash ?? null})
    returning ${productColumns(sql)}`;
  return product!;
}
