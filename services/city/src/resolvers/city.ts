/** A city's own fields and lists. Another city's fields are that city's: the gateway never asks for them here. */
import {
  type Connection,
  type Page,
  parsePage,
  type SortKeyType,
  toConnection,
} from "@teranga/kit/connection.ts";
import { parseInput } from "@teranga/kit/input.ts";
import type { CityResolvers } from "@teranga/schema/generated/city.ts";
import type { City } from "../context.ts";
import type { CityStub } from "../model.ts";
import { getHealth } from "../sql/get-health.ts";
import { CLIENT_ORDERINGS, countClients, listClients } from "../sql/list-clients.ts";
import { countDecisions, listDecisions } from "../sql/list-decisions.ts";
import { countOrders, listOrders, ORDER_ORDERINGS } from "../sql/list-orders.ts";
import { countParticipations, listParticipations } from "../sql/list-participations.ts";
import { countStock, listStock, STOCK_ORDERINGS } from "../sql/list-stock.ts";
import { clientFilter, orderFilter, stockFilter } from "./input.ts";
import { orderPosition } from "./order.ts";
import { mustOwn } from "./routing.ts";

/** This city's entry of the topology. @throws GraphQLError WRONG_CITY if the stub is another city. */
function own(stub: CityStub, city: City) {
  mustOwn(city, stub.id);
  return city.placement.partitions.find(({ id }) => id === city.id)!;
}

export const cityResolvers: CityResolvers = {
  async __resolveReference({ id }, { city }) {
    mustOwn(city, id);
    return { id: city.id };
  },
  name: (stub, _, { city }) => own(stub, city).name,
  towns: (stub, _, { city }) => [...own(stub, city).claims],
  isDefault: (stub, _, { city }) => own(stub, city).isDefault,
  location: (stub, _, { city }) => own(stub, city).location,

  async clients(stub, args, { city }) {
    own(stub, city);
    const order = args.orderBy ?? "NAME_ASC";
    const byName = order.startsWith("NAME");
    const page = parsePage(args, order, byName ? "text" : "time");
    const filter = parseInput(clientFilter, args.filter ?? {}, "filter");
    const rows = await listClients(city.sql, filter, CLIENT_ORDERINGS[order], page);
    return toConnection(
      rows,
      page,
      ({ id, nameKey, registeredAt }) => ({ id, key: byName ? nameKey : registeredAt.toISOString() }),
      (row) => row,
      () => countClients(city.sql, filter),
    );
  },

  async stock(stub, args, { city }) {
    own(stub, city);
    const order = args.orderBy ?? "PRODUCT_ASC";
    const byProduct = order === "PRODUCT_ASC";
    const page = parsePage(args, order, byProduct ? "text" : "int");
    const filter = parseInput(stockFilter, args.filter ?? {}, "filter");
    const rows = await listStock(city.sql, filter, STOCK_ORDERINGS[order], page);
    return toConnection(
      rows,
      page,
      ({ productId, available }) => ({ id: productId, key: byProduct ? productId : available }),
      (row) => row,
      () => countStock(city.sql, filter),
    );
  },

  async orders(stub, args, { city }) {
    own(stub, city);
    const order = args.orderBy ?? "PLACED_AT_DESC";
    const { page, filter } = parseOrderList(args, order);
    const rows = await listOrders(city.sql, filter, ORDER_ORDERINGS[order], page);
    return toConnection(
      rows,
      page,
      orderPosition(order),
      (row) => row,
      () => countOrders(city.sql, filter),
    );
  },

  async transactions(stub, args, { city }) {
    own(stub, city);
    const page = parsePage(args, "DECIDED_AT_DESC", "time");
    const state = args.state ?? undefined;
    const rows = await listDecisions(city.sql, state, page);
    return newestFirst(
      rows,
      page,
      ({ id }) => id,
      ({ decidedAt }) => decidedAt,
      () => countDecisions(city.sql, state),
    );
  },

  async participations(stub, args, { city }) {
    own(stub, city);
    const page = parsePage(args, "CREATED_AT_DESC", "time");
    const state = args.state ?? undefined;
    const rows = await listParticipations(city.sql, state, page);
    return newestFirst(
      rows,
      page,
      ({ transactionId }) => transactionId,
      ({ createdAt }) => createdAt,
      () => countParticipations(city.sql, state),
    );
  },

  health(stub, _, { city }) {
    own(stub, city);
    return getHealth(city.sql);
  },
};

/** A connection of rows ordered by a time, whose nodes are the rows. */
function newestFirst<Row>(
  rows: readonly Row[],
  page: Page,
  idOf: (row: Row) => string,
  timeOf: (row: Row) => Date,
  totalCount: () => Promise<number>,
): Connection<Row> {
  return toConnection(
    rows,
    page,
    (row) => ({ id: idOf(row), key: timeOf(row).toISOString() }),
    (row) => row,
    totalCount,
  );
}

/** The checked arguments of a list of orders, of a city or of a client. */
export function parseOrderList(
  args: { first?: number | null; after?: string | null; filter?: unknown },
  order: keyof typeof ORDER_ORDERINGS,
) {
  const keyType: SortKeyType = order.startsWith("TOTAL") ? "bigint" : "time";
  return {
    page: parsePage(args, order, keyType),
    filter: parseInput(orderFilter, args.filter ?? {}, "filter"),
  };
}
