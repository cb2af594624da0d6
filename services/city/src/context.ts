/**
 * What the resolvers of one request share: the city, and loaders that turn many look-ups into one statement.
 */

import type { Page } from "@teranga/kit/graphql/connection.ts";
import { groupedBy, keyedBy } from "@teranga/kit/graphql/loading.ts";
import type { Sql } from "@teranga/kit/postgres/database.ts";
import type { Ordering } from "@teranga/kit/postgres/keyset.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import type { Replication } from "@teranga/kit/reads/replication.ts";
import type { PartitionPlacement } from "@teranga/kit/topology/topology.ts";
import type { CityClock } from "@teranga/protocol/city/city-clock.ts";
import type { CommitProtocol } from "@teranga/protocol/city/commit-protocol.ts";
import type { ProductQuantity } from "@teranga/protocol/messages.ts";
import DataLoader from "dataloader";
import type { CatalogClient } from "./catalog-client.ts";
import type { CityMetrics } from "./metrics.ts";
import type {
  ClientRow,
  DecisionRow,
  OrderAllocationRow,
  OrderLineRow,
  OrderRow,
  ParticipantRow,
  PaymentRow,
  StockMovementRow,
  StockRow,
  TransferRow,
  WalletEntryRow,
  WalletRow,
} from "./model.ts";
import type { Payments } from "./payments/payments.ts";
import { getClients } from "./sql/get-clients.ts";
import { getDecisions, getParticipants } from "./sql/get-decisions.ts";
import { getOrderAllocations, getOrderLines, getOrders, getOrdersOfTransactions } from "./sql/get-orders.ts";
import { getPayments } from "./sql/get-payments.ts";
import { getReservations } from "./sql/get-reservations.ts";
import { getStock } from "./sql/get-stock.ts";
import { getTransfers } from "./sql/get-transfers.ts";
import { getWallets } from "./sql/get-wallets.ts";
import { countMovements, listMovements } from "./sql/list-movements.ts";
import { countOrdersOfClients, listOrdersOfClients, type OrderFilter } from "./sql/list-orders.ts";
import { countWalletEntries, listWalletEntries } from "./sql/list-wallet-entries.ts";
import { type Recommendation, recommendProducts } from "./sql/recommend-products.ts";

/** The running city. */
export interface City {
  id: string;
  placement: PartitionPlacement;
  sql: Sql;
  protocol: CommitProtocol;
  payments: Payments;
  catalog: CatalogClient;
  metrics: CityMetrics;
  /** The replicas of the database, and who answers the present request; none by default. */
  replication?: () => Replication;
  clock: CityClock;
  log: Logger;
  /** Makes the idempotency key of a request without one; random UUIDs by default. */
  newId?: () => string;
}

export interface CityContext {
  city: City;
  load: Loaders;
}

type OrdersOfClient = DataLoader<string, OrderRow[]>;

export interface Loaders {
  client: DataLoader<string, ClientRow | null>;
  stock: DataLoader<string, StockRow>;
  order: DataLoader<string, OrderRow | null>;
  orderLines: DataLoader<string, OrderLineRow[]>;
  orderAllocations: DataLoader<string, OrderAllocationRow[]>;
  payment: DataLoader<string, PaymentRow | null>;
  wallet: DataLoader<string, WalletRow | null>;
  decision: DataLoader<string, DecisionRow | null>;
  participants: DataLoader<string, ParticipantRow[]>;
  transfer: DataLoader<string, TransferRow | null>;
  /** The order that a transaction has placed or cancelled. */
  orderOfTransaction: DataLoader<string, OrderRow | null>;
  reservations: DataLoader<string, ProductQuantity[]>;
  /** Whether the catalog still sells a product. */
  sold: DataLoader<string, boolean>;
  /** One loader for each set of arguments that the request uses. */
  orders(filter: OrderFilter, ordering: Ordering, page: Page): OrdersOfClient;
  orderCount(filter: OrderFilter): DataLoader<string, number>;
  movements(page: Page): DataLoader<string, StockMovementRow[]>;
  movementCount(): DataLoader<string, number>;
  walletEntries(page: Page): DataLoader<string, WalletEntryRow[]>;
  walletEntryCount(): DataLoader<string, number>;
  recommendations(first: number): DataLoader<string, Recommendation[]>;
}

/** Makes the context of one request. */
export function createContext(city: City): CityContext {
  return { city, load: createLoaders(city) };
}

/** Makes loaders with empty caches. */
export function createLoaders({ sql, catalog }: City): Loaders {
  return {
    sold: new DataLoader((ids) => catalog.areSold(ids)),
    stock: new DataLoader(async (ids) => {
      const rows = new Map((await getStock(sql, ids)).map((row) => [row.productId, row]));
      return ids.map((id) => rows.get(id) ?? neverStocked(id));
    }),
    ...clientLoaders(sql),
    ...orderLoaders(sql),
    ...transactionLoaders(sql),
    ...listLoaders(sql),
  };
}

function clientLoaders(sql: Sql) {
  return {
    client: keyedBy(
      (ids) => getClients(sql, ids),
      ({ id }) => id,
      null,
    ),
    wallet: keyedBy(
      (ids) => getWallets(sql, ids),
      ({ clientId }) => clientId,
      null,
    ),
  };
}

function orderLoaders(sql: Sql) {
  return {
    order: keyedBy(
      (ids) => getOrders(sql, ids),
      ({ id }) => id,
      null,
    ),
    orderLines: groupedBy(
      (ids) => getOrderLines(sql, ids),
      ({ orderId }) => orderId,
    ),
    orderAllocations: groupedBy(
      (ids) => getOrderAllocations(sql, ids),
      ({ orderId }) => orderId,
    ),
    payment: keyedBy(
      (ids) => getPayments(sql, ids),
      ({ orderId }) => orderId,
      null,
    ),
  };
}

function transactionLoaders(sql: Sql) {
  return {
    decision: keyedBy(
      (ids) => getDecisions(sql, ids),
      ({ id }) => id,
      null,
    ),
    participants: groupedBy(
      (ids) => getParticipants(sql, ids),
      ({ transactionId }) => transactionId,
    ),
    reservations: groupedBy(
      (ids) => getReservations(sql, ids),
      ({ transactionId }) => transactionId,
    ),
    transfer: keyedBy(
      (ids) => getTransfers(sql, ids),
      ({ transactionId }) => transactionId,
      null,
    ),
    orderOfTransaction: keyedBy(
      (ids) => getOrdersOfTransactions(sql, ids),
      ({ transactionId }) => transactionId,
      null,
    ),
  };
}

/** Loaders of lists and their counts, for many owners at once. */
function listLoaders(sql: Sql) {
  return {
    orders: byArguments((filter: OrderFilter, ordering: Ordering, page: Page) =>
      groupedBy(
        (ids) => listOrdersOfClients(sql, ids, filter, ordering, page),
        ({ clientId }) => clientId,
      ),
    ),
    orderCount: byArguments((filter: OrderFilter) =>
      countsBy((ids) => countOrdersOfClients(sql, ids, filter)),
    ),
    movements: byArguments((page: Page) =>
      groupedBy(
        (ids) => listMovements(sql, ids, page),
        ({ productId }) => productId,
      ),
    ),
    movementCount: byArguments(() => countsBy((ids) => countMovements(sql, ids))),
    walletEntries: byArguments((page: Page) =>
      groupedBy(
        (ids) => listWalletEntries(sql, ids, page),
        ({ clientId }) => clientId,
      ),
    ),
    walletEntryCount: byArguments(() => countsBy((ids) => countWalletEntries(sql, ids))),
    recommendations: byArguments((first: number) =>
      groupedBy(
        (ids) => recommendProducts(sql, ids, first),
        ({ clientId }) => clientId,
      ),
    ),
  };
}

function neverStocked(productId: string): StockRow {
  return { productId, warehouse: null, onHand: 0, reserved: 0, available: 0, updatedAt: null };
}

/** A loader of numbers. A key without a row counts as zero. */
function countsBy(
  load: (ids: readonly string[]) => Promise<{ id: string; count: number }[]>,
): DataLoader<string, number> {
  return new DataLoader(async (ids) => {
    const counts = new Map((await load(ids)).map(({ id, count }) => [id, count]));
    return ids.map((id) => counts.get(id) ?? 0);
  });
}

/** Keeps one result of `make` for equal arguments. */
function byArguments<Arguments extends unknown[], Made>(
  make: (...args: Arguments) => Made,
): (...args: Arguments) => Made {
  const made = new Map<string, Made>();
  return (...args) => {
    const key = JSON.stringify(args);
    const known = made.get(key) ?? make(...args);
    made.set(key, known);
    return known;
  };
}
