/**
 * Checks whether a run was serialisable: the commits, one after the other in the order of their commit
 * points, must give the same end state and the answers that the clients got.
 */

import { type Commit, createSequentialShop, levelName } from "../harness/sequential-shop.ts";
import { type CommitTimes, checkReads } from "./check-reads.ts";
import type { CityFacts } from "./city-facts.ts";
import { clocksOf, commitsOf, createCommitFinder } from "./commits.ts";
import type { Operation } from "./operations.ts";
import { findSerialOrder } from "./serial-order.ts";

export interface ShopHistory {
  /** The contents of the cities' databases at the end, at rest. */
  cities: readonly CityFacts[];
  /** The clients' requests and answers. */
  operations: readonly Operation[];
}

export interface HistoryVerdict {
  /** The violations, a line each; empty if the run was serialisable. */
  violations: string[];
  /** The number of commits that were put in order. */
  commits: number;
  /** The number of reads that were checked. */
  reads: number;
}

export function checkHistory({ cities, operations }: ShopHistory): HistoryVerdict {
  const commits = commitsOf(cities);
  const order = findSerialOrder(commits.keys(), clocksOf(cities, commits, operations));
  const times = timesOf(cities, commits, operations);
  const reads = operations.filter(({ answer }) => ["wallet", "level", "order"].includes(answer.kind));
  const violations = [
    ...promisesKept(operations, cities, commits),
    ...cities.flatMap(unexplained),
    ...(order.kind === "order"
      ? replay(order.ids, cities, commits)
      : [`no order of commit points fits: ${order.steps.join(" → ")}`]),
    ...checkReads(reads, cities, times),
  ];
  return { violations, commits: commits.size, reads: reads.length };
}

function timesOf(
  cities: readonly CityFacts[],
  commits: ReadonlyMap<string, Commit>,
  operations: readonly Operation[],
): CommitTimes {
  const commitOf = createCommitFinder(cities, commits);
  return new Map(
    operations.flatMap((operation) => {
      const id = commitOf(operation);
      return id === null ? [] : [[id, { startMs: operation.startMs, endMs: operation.endMs }]];
    }),
  );
}

/**
 * Every commit that a client was told of exists, belongs to that operation alone, and is what the client
 * asked for.
 */
function promisesKept(
  operations: readonly Operation[],
  cities: readonly CityFacts[],
  commits: ReadonlyMap<string, Commit>,
): string[] {
  const commitOf = createCommitFinder(cities, commits);
  const given = new Map<string, Operation>();
  return operations.flatMap((operation) => {
    const { request, answer } = operation;
    if (answer.kind !== "happened") return [];
    const what = JSON.stringify(request);
    const commit = commits.get(commitOf(operation) ?? "");
    if (!commit) return [`${what} was answered with ${answer.id}, which is not there`];
    if (!isWhatWasAsked(request, commit)) return [`${what} was answered with ${JSON.stringify(commit)}`];
    const other = given.get(commit.id);
    given.set(commit.id, operation);
    return other ? [`${commit.id} was the answer to ${what} and to ${JSON.stringify(other.request)}`] : [];
  });
}

function isWhatWasAsked(request: Operation["request"], commit: Commit): boolean {
  switch (request.kind) {
    case "place": {
      const isSame =
        commit.kind === "ORDER" && commit.clientId === request.clientId && commit.key === request.key;
      return isSame && hasPieces(commit.allocations, request.lines);
    }
    case "cancel":
      return commit.kind === "CANCELLATION" && commit.orderId === request.orderId;
    case "topUp": {
      const isSame = commit.kind === "TOP_UP" && commit.clientId === request.clientId;
      return isSame && commit.key === request.key && commit.amount === request.amount;
    }
    case "restock": {
      const isSame = commit.kind === "RESTOCK" && commit.productId === request.productId;
      return isSame && commit.quantity === request.quantity;
    }
    case "transfer": {
      const { productId, from, to, quantity } = request;
      if (commit.kind !== "TRANSFER" || commit.productId !== productId) return false;
      return commit.from === from && commit.to === to && commit.quantity === quantity;
    }
    default:
      return false;
  }
}

function hasPieces(
  allocations: readonly { productId: string; quantity: number }[],
  lines: readonly { productId: string; quantity: number }[],
): boolean {
  const left = new Map<string, number>();
  for (const { productId, quantity } of lines) left.set(productId, (left.get(productId) ?? 0) + quantity);
  for (const { productId, quantity } of allocations)
    left.set(productId, (left.get(productId) ?? 0) - quantity);
  return [...left.values()].every((quantity) => quantity === 0);
}

/**
 * The clocks that give the order must be complete: a level is the sum of its movements, a wallet the sum of
 * its entries.
 */
function unexplained({ cityId, levels, movements, wallets, walletEntries }: CityFacts): string[] {
  const moved = Map.groupBy(movements, ({ productId }) => productId);
  const entered = Map.groupBy(walletEntries, ({ clientId }) => clientId);
  const sum = (numbers: readonly number[] = []) => numbers.reduce((total, each) => total + each, 0);
  return [
    ...levels
      .filter(
        ({ productId, onHand }) => onHand !== sum(moved.get(productId)?.map((each) => each.onHandChange)),
      )
      .map(({ productId }) => `${cityId}: the movements of ${productId} do not add up to its level`),
    ...wallets
      .filter(({ clientId, balance }) => balance !== sum(entered.get(clientId)?.map(({ amount }) => amount)))
      .map(({ clientId }) => `the entries of the wallet of ${clientId} do not add up to its balance`),
  ];
}

/** Applies all commits one after the other, and compares the end state. */
function replay(
  ids: readonly string[],
  cities: readonly CityFacts[],
  commits: ReadonlyMap<string, Commit>,
): string[] {
  const shop = createSequentialShop();
  const faults = ids.flatMap((id) => {
    const fault = shop.apply(commits.get(id)!);
    return fault === null ? [] : [`${id}: ${fault}`];
  });
  for (const { cityId, levels, wallets } of cities) {
    for (const { productId, onHand, reserved } of levels) {
      const expected = shop.levels.get(levelName(cityId, productId)) ?? 0;
      if (onHand !== expected)
        faults.push(`${cityId} has ${onHand} of ${productId}, one after the other it is ${expected}`);
      if (reserved !== 0) faults.push(`${cityId} holds ${reserved} of ${productId} for nobody`);
    }
    for (const { clientId, balance } of wallets) {
      const expected = shop.wallets.get(clientId) ?? 0;
      if (balance !== expected)
        faults.push(`the wallet of ${clientId} has ${balance}, one after the other it is ${expected}`);
    }
  }
  return faults;
}
