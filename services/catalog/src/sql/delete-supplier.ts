import type { Queryable } from "@teranga/kit/postgres/database.ts";

/** Deletes a supplier. False if there is no such supplier. */
export async function deleteSupplier(sql: Queryable, id: string): Promise<boolean> {
  const { count } = await sql`delete from supplier where id = ${id}`;
  return count > 0;
}
