/** The columns of a product under the names of its type. */
import type { Queryable } from "@teranga/kit/postgres/database.ts";

export function productColumns(sql: Queryable) {
  return sql`
    id, name, description, price, discontinued, tags, supplier_id as "supplierId",
    created_at as "createdAt", updated_at as "updatedAt"`;
}
