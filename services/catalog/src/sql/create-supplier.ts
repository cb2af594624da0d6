import type { Queryable } from "@teranga/kit/postgres/database.ts";
import type { SupplierRow } from "../supplier.ts";
import type { CreationKey } from "./create-product.ts";
import { supplierColumns } from "./supplier-columns.ts";

/** The fields of a new supplier. */
export interface NewSupplier {
  name: string;
  email?: string | null | undefined;
  phone?: string | null | undefined;
}

/**
 * Adds a supplier under the next number.
 * @throws the database's error if the key is taken
 */
export async function createSupplier(
  sql: Queryable,
  { name, email = null, phone = null }: NewSupplier,
  creation: CreationKey | null,
): Promise<SupplierRow> {
  const [supplier] = await sql<SupplierRow[]>`
    insert into supplier (name, email, phone, creation_key, creation_hash)
    values (${name}, ${email}, ${phone}, ${creation?.key ?? null}, ${creation?.hash ?? null})
    returning ${supplierColumns(sql)}`;
  return supplier!;
}
