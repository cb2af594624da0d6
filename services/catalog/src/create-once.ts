/** A new product, once a key. */
import { classifyDatabaseError, type Sql } from "@teranga/kit/database.ts";
import { digest } from "@teranga/kit/digest.ts";
import { type NamedWrite, writeNamed } from "./name-taken.ts";
import type { Product } from "./product.ts";
import { createProduct, type NewProduct } from "./sql/create-product.ts";
import { findCreation } from "./sql/find-creation.ts";

export type Creation = NamedWrite<Product> | { kind: "key-used"; by: Product };

/** Writes first and looks for the key when that is refused: whichever constraint it was, the key may be why. */
export async function createOnce(sql: Sql, product: NewProduct, key: string | null): Promise<Creation> {
  const { name, description, price } = product;
  if (key === null) return writeNamed(sql, name, () => createProduct(sql, product, null));
  const hash = digest([name, description, price]);
  let refusal: unknown;
  let written: NamedWrite<Product> | undefined;
  try {
    written = await writeNamed(sql, name, () => createProduct(sql, product, { key, hash }));
    if (written.kind === "written") return written;
  } catch (error) {
    if (!isKeyUsed(error)) throw error;
    refusal = error;
  }
  const earlier = await findCreation(sql, key);
  if (earlier) {
    if (earlier.hash === hash) return { kind: "written", result: earlier.product };
    return { kind: "key-used", by: earlier.product };
  }
  if (written) return written;
  throw refusal;
}

function isKeyUsed(error: unknown): boolean {
  const failure = classifyDatabaseError(error);
  return failure.kind === "constraint" && failure.constraint === "product_of_key";
}
