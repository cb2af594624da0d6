import type { Queryable } from "@teranga/kit/postgres/database.ts";
import type { SupplierRow } from "../supplier.ts";
import { supplierColumns } from "./supplier-columns.ts";

/** The suppliers of these ids, in no order; those that do not exist are left out. */
export async function findSuppliers(sql: Queryable, ids: readonly string[]): Promise<SupplierRow[]> {
  return sql<
    SupplierRow[]
  >`select ${supplierColumns(sql)} from supplier where id = any (${ids as string[]}::text[])`;
}
