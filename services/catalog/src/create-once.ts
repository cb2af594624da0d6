/** Creates a product, once for each key. */

import { seeOutcome } from "@teranga/kit/graphql/mutation-outcome.ts";
import { classifyDatabaseError, type Sql } from "@teranga/kit/postgres/database.ts";
import { digest } from "@teranga/kit/process/digest.ts";
import { type NamedWrite, writeNamed } from "./name-taken.ts";
import type { Product } from "./product.ts";
import { createProduct, type NewProduct } from "./sql/create-product.ts";
import { findCreation } from "./sql/find-creation.ts";

/**
 * The new product, or the earlier product of the key; `isSame` tells whether that
 * one was made by the same request.
 */
export type Creation = NamedWrite<{ product: Product; isSame: boolean }>;

/**
 * Writes first, and looks for the key if that is refused. Whichever constraint
 * refused, the key may be the reason.
 */
export function createOnce(sql: Sql, product: NewProduct, key: string | null): Promise<Creation> {
  const { name, description, price } = product;
  const creation = key === null ? null : { key, hash: digest([name, description, price]) };
  return writeNamed(sql, name, async () => {
    try {
      return { product: await createProduct(sql, product, creation), isSame: true };
    } catch (error) {
      if (!creation || classifyDatabaseError(error).kind !== "constraint") throw error;
      const earlier = await seeOutcome(() => findCreation(sql, creation.key));
      if (!earlier) throw error;
      return { product: earlier.product, isSame: earlier.hash === creation.hash };
    }
  });
}
