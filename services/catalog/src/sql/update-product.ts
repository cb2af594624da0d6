import type { Queryable } from "@teranga/kit/postgres/database.ts";
import type { Product } from "../product.ts";
import { productColumns } from "./product-columns.ts";

/** The changes. A field that is null or absent stays as it is. */
export interface ProductChanges {
  name?: string | null | undefined;
  description?: string | null | undefined;
  price?: number | null | undefined;
  tagsToAdd?: readonly string[] | null | undefined;
  tagsToRemove?: readonly string[] | null | undefined;
  supplierId?: string | null | undefined;
}

/**
 * Changes a product; null if there is no such product. The time of change moves
 * only if a field really changes.
 * @throws the database's error if the name is taken (see name-taken.ts)
 */
export async function updateProduct(
  sql: Queryable,
  id: string,
  changes: ProductChanges,
): Promise<Product | null> {
  const { name = null, description = null, price = null, supplierId = null } = changes;
  const { tagsToAdd, tagsToRemove } = changes;
  const [product] = await sql<Product[]>`
    update product set (name, description, price, supplier_id, tags) = row(
      coalesce(${name}, name), coalesce(${description}, description), coalesce(${price}, price),
      coalesce(${supplierId}, supplier_id), array(
        select tag from unnest(tags) as tag where tag <> all (${[...(tagsToRemove ?? [])]}::text[])
        union select unnest(${[...(tagsToAdd ?? [])]}::text[])
        order by 1
      ))
    where id = ${id}
    returning ${productColumns(sql)}`;
  return product ?? null;
}
