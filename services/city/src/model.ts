/**
 * What a city's resolvers pass to one another: rows of its tables, and stubs ({ id }) whose data is loaded on
 * demand. The generated resolver types map the graph's types to these.
 */

import type { Connection } from "@teranga/kit/graphql/connection.ts";
import type { CommitAnswer, ProductQuantity, TransactionKind } from "@teranga/protocol/messages.ts";

/** A city by its id. Only this city's own fields can be resolved here. */
export interface CityStub {
  id: string;
}

export interface ClientRow {
  id: string;
  name: string;
  email: string;
  phone: string | null;
  town: string;
  registeredAt: Date;
}

/** A stock level. A product that the city has never had has zeros, no warehouse and no time. */
export interface StockRow {
  productId: string;
  warehouse: string | null;
  onHand: number;
  reserved: number;
  available: number;
  updatedAt: Date | null;
}

export interface StockMovementRow {
  id: string;
  productId: string;
  reason: "RESTOCKED" | "RESERVED" | "RELEASED" | "CONFIRMED" | "SOLD" | "RETURNED" | "TRANSFERRED";
  onHandChange: number;
  reservedChange: number;
  transactionId: string | null;
  at: Date;
}

export interface OrderRow {
  id: string;
  clientId: string;
  status: "PLACED" | "CANCELLED";
  total: number;
  placedAt: Date;
  /** The transaction that cancelled it. */
  cancelledBy: string | null;
  cancelledAt: Date | null;
}

export interface PaymentRow {
  orderId: string;
  method: "WALLET" | "CASH_ON_DELIVERY" | "MOBILE_MONEY";
  amount: number;
  /**
   * The states of an order's payment. The table has more: a payment that is being authorised, or voided
   * before there is an order.
   */
  state: "DUE" | "AUTHORISED" | "CAPTURED" | "VOIDED" | "REFUNDING" | "REFUNDED";
}

/** A client's wallet. Its balance is loaded on demand. */
export interface WalletStub {
  clientId: string;
}

export interface WalletRow {
  clientId: string;
  balance: number;
}

export interface WalletEntryRow {
  id: string;
  clientId: string;
  reason: "TOP_UP" | "PURCHASE" | "REFUND";
  amount: number;
  transactionId: string | null;
  at: Date;
}

export interface OrderLineRow {
  orderId: string;
  productId: string;
  quantity: number;
  unitPrice: number;
}

export interface OrderAllocationRow {
  orderId: string;
  cityId: string;
  productId: string;
  quantity: number;
}

/** A transaction by its id. Its decision is loaded on demand. */
export interface TransactionStub {
  id: string;
}

export interface DecisionRow {
  id: string;
  /** Null for a fence. */
  kind: TransactionKind | null;
  state: "COMMITTED" | "ABORTED";
  /** The answer to its commit; ABORTED for a fence. */
  answer: Exclude<CommitAnswer["state"], "VIOLATION">;
  decidedAt: Date;
}

export interface ParticipantRow {
  transactionId: string;
  cityId: string;
  lines: ProductQuantity[];
  attempts: number;
  acknowledgedAt: Date | null;
}

/** The stock that a committed transfer has brought to this city. */
export interface TransferRow extends ProductQuantity {
  transactionId: string;
  fromCityId: string;
}

/** What this city knows of a transaction, as its home or as a participant. */
export interface CityTransactionRow {
  transactionId: string;
  role: "HOME" | "PARTICIPANT";
  /** Null if the city only knows that the transaction was aborted. */
  kind: TransactionKind | null;
  state: "IN_DOUBT" | "COMMITTED" | "ABORTED";
  createdAt: Date;
  deadline: Date | null;
  attempts: number;
  decidedAt: Date | null;
}

export type ClientPage = Connection<ClientRow>;
export type StockPage = Connection<StockRow>;
export type MovementPage = Connection<StockMovementRow>;
export type OrderPage = Connection<OrderRow>;
export type WalletEntryPage = Connection<WalletEntryRow>;
export type CityTransactionPage = Connection<CityTransactionRow>;
