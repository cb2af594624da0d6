import type { Queryable } from "@teranga/kit/database.ts";
import type { ClientRow } from "../model.ts";
import { clientColumns } from "./get-clients.ts";

export interface NewClient {
  name: string;
  email: string;
  phone: string | null;
  town: string;
}

/** Adds a client under the city's next number. @throws the constraint `client_email` or `client_town_of_city` */
export async function insertClient(sql: Queryable, cityId: string, client: NewClient): Promise<ClientRow> {
  const [row] = await sql<ClientRow[]>`
    insert into client (id, name, email, phone, town)
    values (${cityId} || ':' || nextval('client_number'), ${client.name}, ${client.email}, ${client.phone}, ${client.town})
    returning ${clientColumns(sql)}`;
  return row!;
}
