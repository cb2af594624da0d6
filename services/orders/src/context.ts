/** What everything that serves one request works with. Time, chance, ids and the network come in here and nowhere else. */
import type { PartitionPlacement } from "@teranga/kit/topology.ts";
import type { DecisionDelivery } from "./decision-delivery.ts";
import type { OrderReads } from "./order-reads.ts";
import type { TransactionMeans } from "./order-transaction.ts";
import type { PlaceOrderAnswer } from "./place-order.ts";
import type { SharedCalls } from "./shared-calls.ts";

export interface OrdersContext extends TransactionMeans {
  cities: PartitionPlacement;
  reads: OrderReads;
  delivery: DecisionDelivery;
  /** The calls of placeOrder that are under way with a key of the client's. */
  calls: SharedCalls<PlaceOrderAnswer>;
  /** A new UUID, version 7, in lower case. */
  newId: () => string;
}
