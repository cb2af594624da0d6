/** This city's clients: its own list, and its part of the list of all cities. */
import { parsePage, toConnection } from "@teranga/kit/graphql/connection.ts";
import { parseInput } from "@teranga/kit/graphql/input.ts";
import type { QueryClientsArgs } from "@teranga/schema/generated/city.ts";
import type { City } from "../context.ts";
import type { ClientPage } from "../model.ts";
import { CLIENT_ORDERINGS, countClients, listClients } from "../sql/list-clients.ts";
import { clientFilter } from "./input.ts";

/**
 * One page. Both lists have the same cursors: a client's sort key and its id, which names the city. So the
 * cursors of all cities share one order, and a page can begin after another city's client.
 */
export async function pageOfClients(args: Partial<QueryClientsArgs>, city: City): Promise<ClientPage> {
  const order = args.orderBy ?? "NAME_ASC";
  const byName = order.startsWith("NAME");
  const ordering = CLIENT_ORDERINGS[order];
  const page = parsePage(args, order, byName ? "text" : "time", ordering.direction);
  const filter = parseInput(clientFilter, args.filter ?? {}, "filter");
  const rows = await listClients(city.sql, filter, ordering, page);
  return toConnection(
    rows,
    page,
    ({ id, nameKey, registeredAt }) => ({ id, key: byName ? nameKey : registeredAt.toISOString() }),
    (row) => row,
    () => countClients(city.sql, filter),
  );
}
