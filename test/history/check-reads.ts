/**
 * Checks that each value that a client read was true at some moment between request and answer.
 *
 * A stock row and a wallet are the sum of their entries up to a moment. A read must include every entry whose
 * commit was answered before the read began, and no entry whose request began after the read's answer. Of the
 * entries between, it may include any prefix of the list.
 */

import { levelName } from "../harness/sequential-shop.ts";
import type { CityFacts } from "./city-facts.ts";
import { restockId, topUpId } from "./commits.ts";
import type { Operation } from "./operations.ts";

/** The times of each commit's request and answer, by its id. Commits of unknown times are missing. */
export type CommitTimes = ReadonlyMap<string, { startMs: number; endMs: number }>;

/** One entry of the list whose sum is the value. */
interface Change {
  by: readonly number[];
  /** The commit it belongs to. */
  commitId: string | null;
  /**
   * Whether the entry is in the database when the commit is answered. A participant's entry from after the
   * commit point need not be.
   */
  isPrompt: boolean;
}

/** @returns the violations, a line each */
export function checkReads(
  operations: readonly Operation[],
  cities: readonly CityFacts[],
  times: CommitTimes,
): string[] {
  const levels = new Map(cities.flatMap(levelChanges));
  const wallets = new Map(cities.flatMap(walletChanges));
  const cancellations = new Map(
    cities.flatMap(({ orders }) => orders.map(({ id, cancelledBy }) => [id, cancelledBy])),
  );
  return operations.flatMap((operation) => {
    const { request, answer } = operation;
    if (request.kind === "readWallet" && answer.kind === "wallet") {
      return checkSum(operation, [answer.balance], wallets.get(request.clientId) ?? [], times);
    }
    if (request.kind === "readLevel" && answer.kind === "level") {
      const seen = [answer.onHand, answer.onHand - answer.available];
      return checkSum(operation, seen, levels.get(levelName(request.cityId, request.productId)) ?? [], times);
    }
    if (request.kind === "readOrder" && answer.kind === "order") {
      return checkStatus(operation, request.orderId, answer.status, cancellations, times);
    }
    return [];
  });
}

function levelChanges({ cityId, movements }: CityFacts): [string, Change[]][] {
  const byProduct = Map.groupBy(movements, ({ productId }) => productId);
  return Array.from(byProduct, ([productId, rows]) => [
    levelName(cityId, productId),
    rows.map(({ id, reason, onHandChange, reservedChange, transactionId }) => ({
      by: [onHandChange, reservedChange],
      commitId: transactionId ?? restockId(cityId, id),
      isPrompt:
        reason === "RESERVED" ||
        (reason !== "CONFIRMED" && (transactionId?.startsWith(`${cityId}:`) ?? true)),
    })),
  ]);
}

function walletChanges({ cityId, walletEntries }: CityFacts): [string, Change[]][] {
  const byClient = Map.groupBy(walletEntries, ({ clientId }) => clientId);
  return Array.from(byClient, ([clientId, entries]) => [
    clientId,
    entries.map(({ id, amount, transactionId }) => {
      return { by: [amount], commitId: transactionId ?? topUpId(cityId, id), isPrompt: true };
    }),
  ]);
}

function checkSum(
  { request, startMs, endMs }: Operation,
  seen: readonly number[],
  changes: readonly Change[],
  times: CommitTimes,
): string[] {
  let least = 0;
  let most = changes.length;
  changes.forEach(({ commitId, isPrompt }, index) => {
    const time = times.get(commitId ?? "");
    if (!time) return;
    if (isPrompt && time.endMs < startMs) least = index + 1;
    if (time.startMs > endMs) most = Math.min(most, index);
  });
  const sums = seen.map(() => 0);
  for (let count = 0; count <= most; count++) {
    if (count >= least && sums.every((sum, index) => sum === seen[index])) return [];
    changes[count]?.by.forEach((by, index) => {
      sums[index]! += by;
    });
  }
  return [
    `${JSON.stringify(request)} read ${seen.join(", ")}, which it never was after ${least} to ${most} changes`,
  ];
}

function checkStatus(
  { request, startMs, endMs }: Operation,
  orderId: string,
  status: "PLACED" | "CANCELLED" | null,
  cancellations: ReadonlyMap<string, string | null>,
  times: CommitTimes,
): string[] {
  const placed = times.get(orderId);
  const cancelledBy = cancellations.get(orderId) ?? null;
  const cancelled = cancelledBy === null ? undefined : times.get(cancelledBy);
  const possible = new Set<string | null>();
  if (!placed || placed.endMs >= startMs) possible.add(null);
  if (cancellations.has(orderId) && (!placed || placed.startMs <= endMs)) {
    if (!cancelled || cancelled.endMs >= startMs) possible.add("PLACED");
    if (cancelledBy !== null && (!cancelled || cancelled.startMs <= endMs)) possible.add("CANCELLED");
  }
  if (possible.has(status)) return [];
  return [`${JSON.stringify(request)} read ${status}, where only ${[...possible].join(" or ")} was possible`];
}
