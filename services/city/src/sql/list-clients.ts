import { COUNT_LIMIT, type Page } from "@teranga/kit/graphql/connection.ts";
import { planForValues, type Queryable } from "@teranga/kit/postgres/database.ts";
import { keyset, type Ordering } from "@teranga/kit/postgres/keyset.ts";
import { containing } from "@teranga/kit/postgres/search.ts";
import type { ClientRow } from "../model.ts";
import { clientColumns } from "./get-clients.ts";

export interface ClientFilter {
  search?: string | undefined;
  town?: string | undefined;
}

export const CLIENT_ORDERINGS = {
  NAME_ASC: { column: "name_key", idColumn: "id", direction: "asc" },
  NAME_DESC: { column: "name_key", idColumn: "id", direction: "desc" },
  REGISTERED_AT_ASC: { column: "registered_at", idColumn: "id", direction: "asc" },
  REGISTERED_AT_DESC: { column: "registered_at", idColumn: "id", direction: "desc" },
} as const satisfies Record<string, Ordering>;

/** A client with its sort key. */
export type ListedClient = ClientRow & { nameKey: string };

/** One page of clients, and one row more if there is one. */
export function listClients(
  sql: Queryable,
  filter: ClientFilter,
  ordering: Ordering,
  page: Page,
): Promise<ListedClient[]> {
  const { after, orderBy, limit } = keyset(sql, ordering, page);
  return planForValues(
    sql<ListedClient[]>`
    select ${clientColumns(sql)}, name_key as "nameKey" from client
    where ${matching(sql, filter)} and ${after} order by ${orderBy} limit ${limit}`,
    filter,
  );
}

/** How many clients match the filter, COUNT_LIMIT at most. */
export async function countClients(sql: Queryable, filter: ClientFilter): Promise<number> {
  const [row] = await planForValues(
    sql<{ count: number }[]>`
    select count(*)::int as count from (select from client where ${matching(sql, filter)} limit ${COUNT_LIMIT}) counted`,
    filter,
  );
  return row!.count;
}

function matching(sql: Queryable, { search, town }: ClientFilter) {
  const bySearch = search === undefined ? sql`true` : sql`search_key like ${`%${containing(search)}%`}`;
  const byTown = town === undefined ? sql`true` : sql`town_key = normalise(${town})`;
  return sql`${bySearch} and ${byTown}`;
}
