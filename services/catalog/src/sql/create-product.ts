import type { Queryable } from "@teranga/kit/database.ts";
import type { Product } from "../product.ts";
import { productColumns } from "./product-columns.ts";

/** What a new product is. */
export interface NewProduct {
  name: string;
  description: string;
  price: number;
}

/** Adds a product under the next number. @throws the database's error if the name is taken (see name-taken.ts). */
export async function createProduct(
  sql: Queryable,
  { name, description, price }: NewProduct,
): Promise<Product> {
  const [product] = await sql<Product[]>`
    insert into product (name, description, price) values (${name}, ${description}, ${price})
    returning ${productColumns(sql)}`;
  return product!;
}
