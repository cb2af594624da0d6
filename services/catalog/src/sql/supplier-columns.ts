/** The columns of a supplier under the names of its type. */
import type { Queryable } from "@teranga/kit/postgres/database.ts";

export function supplierColumns(sql: Queryable) {
  return sql`id, name, email, phone, deliveries, created_at as "createdAt", updated_at as "updatedAt"`;
}
