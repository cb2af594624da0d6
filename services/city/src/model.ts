/**
 * What the resolvers of a city pass to one another: rows of its tables, and stubs ({ id }) of what is loaded when asked.
 * The generated resolver types map the types of the graph to these.
 */

import type { Connection } from "@teranga/kit/connection.ts";

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

/** A stock level. A product that the city never had has zeros and neither warehouse nor time. */
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
  reason: "RESTOCKED" | "RESERVED" | "RELEASED" | "CONFIRMED" | "SOLD";
  onHandChange: number;
  reservedChange: number;
  transactionId: string | null;
  at: Date;
}

export interface OrderRow {
  id: string;
  clientId: string;
  status: "PLACED";
  total: number;
  paymentMethod: "CASH_ON_DELIVERY";
  placedAt: Date;
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

/** A transaction by its id. Its decision is loaded when asked. */
export interface TransactionStub {
  id: string;
}

export interface DecisionRow {
  id: string;
  kind: "ORDER";
  state: "COMMITTED" | "ABORTED";
  decidedAt: Date;
}

export interface ParticipantRow {
  transactionId: string;
  cityId: string;
  acknowledgedAt: Date | null;
}

export interface ParticipationRow {
  transactionId: string;
  state: "PREPARED" | "COMMITTED" | "ABORTED";
  deadline: Date | null;
  createdAt: Date;
  decidedAt: Date | null;
}

/** Pieces of a product. */
export interface ProductQuantity {
  productId: string;
  quantity: number;
}

export type ClientPage = Connection<ClientRow>;
export type StockPage = Connection<StockRow>;
export type MovementPage = Connection<StockMovementRow>;
export type OrderPage = Connection<OrderRow>;
export type TransactionPage = Connection<TransactionStub>;
export type ParticipationPage = Connection<ParticipationRow>;
