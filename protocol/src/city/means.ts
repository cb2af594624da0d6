/** What a city's side of the protocol works with. */

import type { Sql } from "@teranga/kit/postgres/sql.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import type { Clock } from "@teranga/kit/process/retry.ts";
import type { DeclinedReason, OrderCommit } from "../messages.ts";
import type { CommitProtocol } from "./commit-protocol.ts";

export interface CityMeans {
  /** The city's id. */
  id: string;
  sql: Sql;
  protocol: CommitProtocol;
  payments: OutsidePayments;
  metrics: ProtocolMetrics;
  clock: Clock;
  log: Logger;
}

/** Payments whose money a provider outside holds. */
export interface OutsidePayments {
  /**
   * Asks the providers for the money of orders that are about to be committed, and records their answers. Does
   * nothing, at no cost, for orders that are paid in a way that the commit point settles.
   */
  authorise(orders: readonly OrderCommit[]): Promise<void>;
  /** Whether a provider holds the money of orders that are so paid: to place one then takes as long as it does. */
  isOutside(method: string): boolean;
  /** Why the commit point has declined these orders, by transaction. */
  whyDeclined(orders: readonly OrderCommit[]): Promise<Map<string, DeclinedReason>>;
  /** Steps of recovery, one for each provider, since one that hangs must not hold up the others. */
  settlers: readonly Settler[];
}

export interface Settler {
  /** The way of paying; null for all that no provider stands for any more. */
  method: string | null;
  /** Tells the provider what was decided. Returns whether there was anything to do. */
  settle(): Promise<boolean>;
}

/** The instruments, as those who use them see them. */
export interface ProtocolMetrics {
  /** A message with so many entries has come; to be called back with the states that they are answered with. */
  batchBegins(message: string, entries: number): (states: readonly string[]) => void;
  /** So many transactions were finished by the recovery workers. */
  recovered(cause: RecoveryCause, decision: string, count: number): void;
  /** A message contradicts what is recorded, here or in another city. */
  alarmed(): void;
  /** This service has failed by itself while it finished transactions, or was answered what nobody answers. */
  faulted(): void;
  /** So many aborted transactions were deleted from a table. */
  pruned(table: string, count: number): void;
}

/** `asked_home`: this city asked for an overdue outcome. `told_participant`: this home told one that had not acknowledged. */
export type RecoveryCause = "asked_home" | "told_participant";
