/**
 * A city's own fields and lists. The gateway asks each city for its own fields, so this service never
 * resolves another city's.
 */
import { parsePage, type SortKeyType, toConnection } from "@teranga/kit/graphql/connection.ts";
import { parseInput } from "@teranga/kit/graphql/input.ts";
import type { CityResolvers, PaymentMethod } from "@teranga/schema/generated/city.ts";
import type { City } from "../context.ts";
import type { CityStub } from "../model.ts";
import { getHealth } from "../sql/get-health.ts";
import { countOrders, listOrders, ORDER_ORDERINGS } from "../sql/list-orders.ts";
import { countStock, listStock, STOCK_ORDERINGS } from "../sql/list-stock.ts";
import { countTransactions, listTransactions } from "../sql/list-transactions.ts";
import { pageOfClients } from "./client-list.ts";
import { orderFilter, stockFilter } from "./input.ts";
import { orderPosition } from "./order.ts";
import { mustBe } from "./routing.ts";

/**
 * This city's entry of the topology.
 * @throws GraphQLError WRONG_CITY if the stub names another city, UNKNOWN_CITY if it names none
 */
function own(stub: CityStub, city: City) {
  mustBe(city, stub.id);
  return city.placement.partitions.find(({ id }) => id === city.id)!;
}

export const cityResolvers = {
  async __resolveReference({ id }, { city }) {
    mustBe(city, id);
    return { id: city.id };
  },
  name: (stub, _, { city }) => own(stub, city).name,
  towns: (stub, _, { city }) => [...own(stub, city).claims],
  isDefault: (stub, _, { city }) => own(stub, city).isDefault,
  location: (stub, _, { city }) => own(stub, city).location,

  clients(stub, args, { city }) {
    own(stub, city);
    return pageOfClients(args, city);
  },

  paymentMethods(stub, _, { city }) {
    own(stub, city);
    return [...city.payments.methods] as PaymentMethod[];
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
    const page = parsePage(args, "NEWEST", "time");
    const filter = { state: args.state ?? undefined, role: args.role ?? undefined };
    const rows = await listTransactions(city.sql, filter, page);
    return toConnection(
      rows,
      page,
      ({ transactionId, createdAt }) => ({ id: transactionId, key: createdAt.toISOString() }),
      (row) => row,
      () => countTransactions(city.sql, filter),
    );
  },

  replication(stub, _, { city }) {
    own(stub, city);
    return city.replication?.() ?? { role: "PRIMARY", replicas: [] };
  },

  health(stub, _, { city }) {
    own(stub, city);
    return getHealth(city.sql);
  },
} satisfies CityResolvers;

/** Checks the arguments of a list of orders, a city's or a client's. */
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
