import type { Queryable } from "@teranga/kit/postgres/database.ts";
import type { SupplierRow } from "../supplier.ts";
import { supplierColumns } from "./supplier-columns.ts";

/** The supplier that was created under a key, with the digest of its request. */
export async function findSupplierCreation(
  sql: Queryable,
  key: string,
): Promise<{ supplier: SupplierRow; hash: string } | null> {
  const [row] = await sql<(SupplierRow & { hash: string })[]>`
    select ${supplierColumns(sql)}, creation_hash as hash from supplier where creation_key = ${key}
    order by id_length, id limit 1`;
  if (!row) return null;
  const { hash, ...supplier } = row;
  return { supplier, hash };
}
