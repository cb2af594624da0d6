/** What must never be seen in one city's database, whatever happens. */
import type { CityMirror } from "./city-mirror.ts";

/** A line for each break. */
export function brokenRules(city: CityMirror): string[] {
  return [...brokenStock(city), ...brokenOrders(city), ...brokenMoney(city)];
}

function* brokenStock(city: CityMirror): Generator<string> {
  const held = new Map<string, number>();
  for (const [, id, quantity] of city.held()) held.set(id, (held.get(id) ?? 0) + quantity);
  for (const [id, { onHand, reserved }] of city.stock) {
    if (reserved < 0 || reserved > onHand) yield `a level outside its bounds: ${id}`;
    const moved = city.moved.get(id) ?? { onHand: 0, reserved: 0 };
    if (onHand !== moved.onHand || reserved !== moved.reserved) {
      yield `a level is not the sum of its movements: ${id}`;
    }
    if (reserved !== (held.get(id) ?? 0))
      yield `stock is reserved for nobody, or too little for somebody: ${id}`;
  }
}

function* brokenOrders(city: CityMirror): Generator<string> {
  for (const [id, { lines, allocations }] of city.orders) {
    if (city.decisions.get(id)?.state !== "COMMITTED")
      yield `an order without a committed transaction: ${id}`;
    for (const [productId, quantity] of lines) {
      const given = allocations.filter(([, product]) => product === productId);
      if (given.reduce((sum, [, , share]) => sum + share, 0) !== quantity) {
        yield `the allocations of an order do not add up to its lines: ${id}`;
      }
    }
  }
  for (const [id, { state }] of city.decisions) {
    const hasHappened = city.orders.has(id) || city.cancellations.has(id) || city.transfers.has(id);
    if (state === "COMMITTED" && !hasHappened) yield `a committed transaction that has not happened: ${id}`;
  }
}

/** How a payment may stand while its order does; else that is how it does not. */
const PAID_OR_DUE = new Set(["CAPTURED", "DUE", "AUTHORISED"]);
/** How none may stand without its order. */
const OF_AN_ORDER = new Set(["CAPTURED", "REFUNDED", "DUE"]);

function* brokenMoney(city: CityMirror): Generator<string> {
  const entered = new Map<string, number>();
  const posted = new Set<string | null>();
  for (const [id, { transactionId, entries }] of city.postings) {
    posted.add(transactionId);
    if (entries.reduce((sum, { amount }) => sum + amount, 0) !== 0)
      yield `a posting does not add up to zero: ${id}`;
    for (const { clientId, amount } of entries) {
      if (clientId !== null) entered.set(clientId, (entered.get(clientId) ?? 0) + amount);
    }
  }
  for (const [id, { balance, held }] of city.wallets) {
    if (balance < 0) yield `a wallet is below zero: ${id}`;
    if (balance + held !== (entered.get(id) ?? 0)) yield `a wallet is not the sum of its entries: ${id}`;
  }
  for (const [id, { payment, total }] of city.orders) {
    if (payment === "WALLET" && total > 0 && !posted.has(id)) {
      yield `an order was paid from a wallet without a posting: ${id}`;
    }
    const state = city.payments.get(id);
    if (state !== undefined && (city.statuses.get(id) === "PLACED") !== PAID_OR_DUE.has(state)) {
      yield `a payment does not stand as its order: ${id}`;
    }
  }
  for (const [id, state] of city.payments) {
    if (OF_AN_ORDER.has(state) && !city.orders.has(id)) yield `a payment without an order: ${id}`;
  }
}
