import type { Queryable } from "@teranga/kit/postgres/database.ts";
import type { ClientRow } from "../model.ts";
import { clientColumns } from "./get-clients.ts";

/** The client that was registered under a key, with the digest of the registration. */
export async function getRegistration(
  sql: Queryable,
  key: string,
): Promise<(ClientRow & { hash: string }) | null> {
  const [row] = await sql<(ClientRow & { hash: string })[]>`
    select ${clientColumns(sql)}, registration_hash as hash from client where registration_key = ${key}`;
  return row ?? null;
}
