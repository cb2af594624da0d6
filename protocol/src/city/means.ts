/** The dependencies of a city's side of the protocol. */

import type { Sql } from "@teranga/kit/postgres/sql.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import type { DeclinedReason, OrderCommit } from "../messages.ts";
import type { CityClock } from "./city-clock.ts";
import type { CommitProtocol, CommitReply } from "./commit-protocol.ts";

export interface CityMeans {
  /** The city's id. */
  id: string;
  sql: Sql;
  protocol: CommitProtocol;
  payments: OutsidePayments;
  metrics: ProtocolMetrics;
  clock: CityClock;
  log: Logger;
}

/** Payments by providers outside, which hold the money themselves. */
export interface OutsidePayments {
  /**
   * Asks the providers for the money of orders that are about to be committed, and records their answers.
   * Orders whose payment the commit point settles cost nothing here.
   */
  authorise(orders: readonly OrderCommit[]): Promise<void>;
  /**
   * Has the providers release the money of orders that the commit point has refused after all, so that the
   * client can pay with it at once. What fails here is left to recovery; nothing is thrown.
   * @param answers the commit point's, in the order of `orders`
   */
  release(orders: readonly OrderCommit[], answers: readonly { state: CommitReply["state"] }[]): Promise<void>;
  /**
   * Whether a provider outside holds the money of this payment method. Placing such an order takes as long as
   * the provider does.
   */
  isOutside(method: string): boolean;
  /** Why the commit point has declined these orders, by transaction id. */
  whyDeclined(orders: readonly OrderCommit[]): Promise<Map<string, DeclinedReason>>;
  /** Steps of recovery, one for each provider: a provider that hangs must not hold up the others. */
  settlers: readonly Settler[];
}

export interface Settler {
  /** The payment method; null for the methods that no provider serves any more. */
  method: string | null;
  /** Tells the provider how transactions were decided. Returns whether there was anything to do. */
  settle(): Promise<boolean>;
}

/** The metrics that the protocol records. */
export interface ProtocolMetrics {
  /**
   * A message with so many entries has arrived. The returned function is called
   * with the states of the answers.
   */
  batchBegins(message: string, entries: number): (states: readonly string[]) => void;
  /** The recovery workers have finished `count` transactions. */
  recovered(cause: RecoveryCause, decision: string, count: number): void;
  /** A message contradicts what is recorded, here or in another city. */
  alarmed(): void;
  /**
   * A fault of our own: this service failed while it finished transactions, or got an answer
   * that none of our services gives.
   */
  faulted(): void;
  /** `count` aborted transactions were deleted from a table. */
  pruned(table: string, count: number): void;
}

/**
 * `asked_home`: this city asked for an overdue outcome.
 * `told_participant`: this home told a participant that had not acknowledged.
 */
export type RecoveryCause = "asked_home" | "told_participant";
