import type { Queryable } from "@teranga/kit/postgres/database.ts";
import type { ClientRow } from "../model.ts";
import { clientColumns } from "./get-clients.ts";

export interface NewClient {
  name: string;
  email: string;
  phone: string | null;
  town: string;
}

/** The idempotency key of a registration, and the digest of what it asked for. */
export interface RegistrationKey {
  key: string;
  hash: string;
}

/**
 * Adds a client under the city's next number.
 * @throws the constraint `client_email`, `client_of_key` or `client_town_of_city`
 */
export async function insertClient(
  sql: Queryable,
  cityId: string,
  client: NewClient,
  registration: RegistrationKey | null,
): Promise<ClientRow> {
  const [row] = await sql<ClientRow[]>`
    insert into client (id, name, email, phone, town, registration_key, registration_hash)
    values (${cityId} || ':' || nextval('client_number'), ${client.name}, ${client.email}, ${client.phone}, ${client.town},
      ${registration?.key ?? null}, ${registration?.hash ?? null})
    returning ${clientColumns(sql)}`;
  return row!;
}
