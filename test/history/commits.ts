/** Derives the commits, and the clocks that order them, from the contents of the cities' databases. */

import type { Commit } from "../harness/sequential-shop.ts";
import type { CityFacts, Movement, OrderFact } from "./city-facts.ts";
import type { Operation } from "./operations.ts";
import type { Clock, Interval } from "./serial-order.ts";

export const restockId = (cityId: string, movement: number) => `restock ${cityId} #${movement}`;
export const topUpId = (cityId: string, entry: number | string) => `top-up ${cityId} #${entry}`;

/** All commits, in no order. */
export function commitsOf(cities: readonly CityFacts[]): Map<string, Commit> {
  const commits = cities.flatMap((city) => [
    ...restocks(city),
    ...topUps(city),
    ...orders(city),
    ...city.orders.flatMap(cancellation),
    ...city.transfers.map((transfer): Commit => ({ kind: "TRANSFER", ...transfer, to: city.cityId })),
  ]);
  return new Map(commits.map((commit) => [commit.id, commit]));
}

function restocks({ cityId, movements }: CityFacts): Commit[] {
  return movements
    .filter(({ reason }) => reason === "RESTOCKED")
    .map(({ id, productId, onHandChange: quantity, key }) => {
      return { kind: "RESTOCK", id: restockId(cityId, id), cityId, productId, quantity, key };
    });
}

function topUps({ cityId, walletEntries }: CityFacts): Commit[] {
  return walletEntries
    .filter(({ reason }) => reason === "TOP_UP")
    .map(({ id, clientId, key, amount }) => {
      return { kind: "TOP_UP", id: topUpId(cityId, id), clientId, key: key!, amount };
    });
}

function orders({ orders, allocations }: CityFacts): Commit[] {
  const byOrder = Map.groupBy(allocations, ({ orderId }) => orderId);
  return orders.map(({ id, clientId, key, total, payment }) => {
    const fromWallet = payment === "WALLET" ? total : 0;
    return { kind: "ORDER", id, clientId, key, allocations: byOrder.get(id) ?? [], fromWallet };
  });
}

function cancellation({ id, cancelledBy }: OrderFact): Commit[] {
  return cancelledBy === null ? [] : [{ kind: "CANCELLATION", id: cancelledBy, orderId: id }];
}

/** All clocks of a run. Aborted transactions are in none of them. */
export function clocksOf(
  cities: readonly CityFacts[],
  commits: ReadonlyMap<string, Commit>,
  operations: readonly Operation[],
): Clock[] {
  return [
    ...cities.flatMap((city) => stockClocks(city, commits)),
    ...cities.flatMap(walletClocks),
    ...cancellationClocks(commits),
    watchClock(cities, commits, operations),
  ];
}

/**
 * One clock for each product of a city. At its home a commit is one movement. A participant sets stock aside
 * before the commit point and confirms after it; it gets a cancelled order's pieces back some time after the
 * commit point.
 */
function stockClocks({ cityId, movements }: CityFacts, commits: ReadonlyMap<string, Commit>): Clock[] {
  const byProduct = Map.groupBy(movements, ({ productId }) => productId);
  return Array.from(byProduct, ([productId, rows]) => {
    const intervals = new Map<string, Interval>();
    for (const row of rows) {
      const id = row.transactionId ?? restockId(cityId, row.id);
      if (!commits.has(id)) continue;
      const { first, last } = spanOf(row, id.startsWith(`${cityId}:`));
      const known = intervals.get(id) ?? {
        id,
        first: Number.NEGATIVE_INFINITY,
        last: Number.POSITIVE_INFINITY,
      };
      intervals.set(id, { id, first: Math.max(known.first, first), last: Math.min(known.last, last) });
    }
    return { name: `stock of ${productId} in ${cityId}`, intervals: [...intervals.values()] };
  });
}

/** The interval of the commit point that one movement allows. */
function spanOf({ id, reason }: Movement, isHome: boolean): { first: number; last: number } {
  if (reason === "RESERVED") return { first: id, last: Number.POSITIVE_INFINITY };
  if (reason === "CONFIRMED" || (reason === "RETURNED" && !isHome))
    return { first: Number.NEGATIVE_INFINITY, last: id };
  return { first: id, last: id };
}

function walletClocks({ cityId, walletEntries }: CityFacts): Clock[] {
  const byClient = Map.groupBy(walletEntries, ({ clientId }) => clientId);
  return Array.from(byClient, ([clientId, entries]) => ({
    name: `wallet of ${clientId}`,
    intervals: entries.map(({ id, transactionId }) => {
      return { id: transactionId ?? topUpId(cityId, id), first: id, last: id };
    }),
  }));
}

/** An order is placed before it is cancelled, as its row says. */
function cancellationClocks(commits: ReadonlyMap<string, Commit>): Clock[] {
  return Array.from(commits.values()).flatMap((commit): Clock[] => {
    if (commit.kind !== "CANCELLATION") return [];
    const intervals = [
      { id: commit.orderId, first: 0, last: 0 },
      { id: commit.id, first: 1, last: 1 },
    ];
    return [{ name: `cancellation of ${commit.orderId}`, intervals }];
  });
}

/**
 * The clock of the clients' watch: a commit that was answered before another request began happened before
 * that one.
 */
function watchClock(
  cities: readonly CityFacts[],
  commits: ReadonlyMap<string, Commit>,
  operations: readonly Operation[],
): Clock {
  const commitOf = createCommitFinder(cities, commits);
  const intervals = operations.flatMap((operation): Interval[] => {
    const id = commitOf(operation);
    return id === null ? [] : [{ id, first: operation.startMs, last: operation.endMs }];
  });
  return { name: "the clients' watch", intervals };
}

/** Returns a function that finds the commit of an operation; null if it has none. */
export function createCommitFinder(
  cities: readonly CityFacts[],
  commits: ReadonlyMap<string, Commit>,
): (operation: Operation) => string | null {
  const restocks = new Map(
    Array.from(commits.values())
      .filter((commit) => commit.kind === "RESTOCK")
      .map(({ id, cityId, key }) => [`${cityId} ${key}`, id]),
  );
  const homeOfEntry = new Map(
    cities.flatMap(({ cityId, wallets }) => wallets.map((w) => [w.clientId, cityId])),
  );
  return ({ request, answer }) => {
    if (answer.kind !== "happened") return null;
    if (request.kind === "topUp") return topUpId(homeOfEntry.get(request.clientId) ?? "", answer.id ?? "");
    if (request.kind === "restock") return restocks.get(`${request.cityId} ${request.key}`) ?? null;
    return answer.id;
  };
}
