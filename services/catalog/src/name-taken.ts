/**
 * Writes that give a product a name, which another product may have. The unique
 * constraint decides, so races do no harm.
 */
import { classifyDatabaseError, type Sql } from "@teranga/kit/postgres/database.ts";
import type { Product } from "./product.ts";
import { findProductByName } from "./sql/find-product-by-name.ts";

/** The outcome of a write that gives a name. */
export type NamedWrite<Result> = { kind: "written"; result: Result } | { kind: "taken"; by: Product };

/**
 * The holder of a name may be renamed between the refusal and the look-up. Losing that
 * race three times means a fault.
 */
const ATTEMPTS_MAX = 3;

/** Runs `write`. If the database refuses the name, finds the product that has it. */
export async function writeNamed<Result>(
  sql: Sql,
  name: string,
  write: () => Promise<Result>,
): Promise<NamedWrite<Result>> {
  let refusal: unknown;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    try {
      return { kind: "written", result: await write() };
    } catch (error) {
      if (!isNameTaken(error)) throw error;
      refusal = error;
    }
    const by = await findProductByName(sql, name);
    if (by) return { kind: "taken", by };
  }
  throw refusal;
}

function isNameTaken(error: unknown): boolean {
  const failure = classifyDatabaseError(error);
  return failure.kind === "constraint" && failure.constraint === "product_name_unique";
}

export function nameTaken(product: Product) {
  return {
    __typename: "ProductNameTaken" as const,
    message: `Product ${product.id} is already called "${product.name}".`,
    product,
  };
}
