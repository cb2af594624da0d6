import type { Queryable } from "@teranga/kit/postgres/database.ts";
import type { ClientRow } from "../model.ts";
import { clientColumns } from "./get-clients.ts";

/** The changes. An absent field stays as it is; a null phone is removed. */
export interface ClientChange {
  name?: string;
  email?: string;
  phone?: string | null;
  town?: string;
}

/**
 * Returns the changed client, or null if there is none.
 * @throws the constraint `client_email` or `client_town_of_city`
 */
export async function updateClient(
  sql: Queryable,
  id: string,
  change: ClientChange,
): Promise<ClientRow | null> {
  const set = Object.keys(change).length === 0 ? sql`id = id` : sql(change as Record<string, string | null>);
  const [row] = await sql<
    ClientRow[]
  >`update client set ${set} where id = ${id} returning ${clientColumns(sql)}`;
  return row ?? null;
}
