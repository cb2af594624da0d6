import type { Queryable } from "@teranga/kit/postgres/database.ts";
import type { ClientRow } from "../model.ts";

/** The columns of a ClientRow. */
export function clientColumns(sql: Queryable) {
  return sql`id, name, email, phone, town, registered_at as "registeredAt"`;
}

/** The clients of these ids that exist, in no order. */
export function getClients(sql: Queryable, ids: readonly string[]): Promise<ClientRow[]> {
  return sql<
    ClientRow[]
  >`select ${clientColumns(sql)} from client where id = any (${ids as string[]}::text[])`;
}
