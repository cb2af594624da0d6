/** Reads the durable content of a city's database: the cities' half of a history. */
import type { Sql } from "@teranga/kit/postgres/database.ts";

export interface CityFacts {
  cityId: string;
  levels: { productId: string; onHand: number; reserved: number }[];
  /** In the order of their effect on each product: an id is drawn while the product's row is locked. */
  movements: Movement[];
  orders: OrderFact[];
  allocations: { orderId: string; cityId: string; productId: string; quantity: number }[];
  transfers: { id: string; productId: string; from: string; quantity: number; key: string }[];
  /** In the order of their effect on each wallet, for the same reason. */
  walletEntries: WalletEntry[];
  wallets: { clientId: string; balance: number }[];
}

export interface Movement {
  id: number;
  productId: string;
  reason: "RESTOCKED" | "RESERVED" | "RELEASED" | "CONFIRMED" | "SOLD" | "RETURNED" | "TRANSFERRED";
  onHandChange: number;
  reservedChange: number;
  transactionId: string | null;
  /** The key of a restock; null for those of the sample data. */
  key: string | null;
}

export interface OrderFact {
  id: string;
  clientId: string;
  key: string;
  total: number;
  payment: string;
  cancelledBy: string | null;
}

export interface WalletEntry {
  id: number;
  clientId: string;
  amount: number;
  reason: "TOP_UP" | "PURCHASE" | "REFUND";
  /** The order or the cancellation; null for a top-up. */
  transactionId: string | null;
  /** The key of a top-up. */
  key: string | null;
}

/** Reads all facts of a city. The city must be at rest, because the statements run one after the other. */
export async function readCityFacts(cityId: string, sql: Sql): Promise<CityFacts> {
  return {
    cityId,
    levels: await sql<CityFacts["levels"]>`
      select product_id as "productId", on_hand as "onHand", reserved from stock`,
    movements: await sql<Movement[]>`
      select id, product_id as "productId", reason, on_hand_change as "onHandChange",
             reserved_change as "reservedChange", transaction_id as "transactionId",
             idempotency_key as key
      from stock_movement order by id`,
    orders: await sql<OrderFact[]>`
      select o.id, o.client_id as "clientId", d.idempotency_key as key, o.total, o.payment_method as payment,
             o.cancelled_by as "cancelledBy"
      from orders o join transaction_decision d on d.transaction_id = o.id`,
    allocations: await sql<CityFacts["allocations"]>`
      select order_id as "orderId", city_id as "cityId", product_id as "productId", quantity from order_allocation`,
    transfers: await sql<CityFacts["transfers"]>`
      select transaction_id as id, product_id as "productId", from_city_id as "from", quantity, idempotency_key as key
      from stock_transfer join transaction_decision using (transaction_id)`,
    walletEntries: await sql<WalletEntry[]>`
      select e.id, e.client_id as "clientId", e.amount, p.reason, p.transaction_id as "transactionId",
             p.idempotency_key as key
      from ledger_entry e join ledger_posting p on p.id = e.posting_id where e.account = 'WALLET' order by e.id`,
    wallets: await sql<CityFacts["wallets"]>`select client_id as "clientId", balance from wallet`,
  };
}
