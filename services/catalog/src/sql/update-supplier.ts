import type { Queryable } from "@teranga/kit/postgres/database.ts";
import type { SupplierRow } from "../supplier.ts";
import { supplierColumns } from "./supplier-columns.ts";

/** The changes. A field that is null or absent stays as it is. */
export interface SupplierChanges {
  name?: string | null | undefined;
  email?: string | null | undefined;
  phone?: string | null | undefined;
}

/** Changes a supplier; null if there is no such supplier. */
export async function updateSupplier(
  sql: Queryable,
  id: string,
  { name = null, email = null, phone = null }: SupplierChanges,
): Promise<SupplierRow | null> {
  const [supplier] = await sql<SupplierRow[]>`
    update supplier set
      name = coalesce(${name}, name), email = coalesce(${email}, email), phone = coalesce(${phone}, phone)
    where id = ${id}
    returning ${supplierColumns(sql)}`;
  return supplier ?? null;
}
