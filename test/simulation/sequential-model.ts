/**
 * What the databases must hold: they are compared with a shop that does one thing at a time.
 *
 * It is given every commit in the order of the commit points. Each must be possible there, and the databases
 * must at every instant hold what the shop holds, but for what the cities have not been told yet. So the
 * committed transactions are serialisable in the order of their commit points, and nothing is lost, doubled
 * or made up.
 */
import { type Commit, createSequentialShop } from "../harness/sequential-shop.ts";
import type { CityMirror, CommittedDetail, Fact } from "./city-mirror.ts";
import { promise } from "./violation.ts";

interface ModelOrder {
  detail: CommittedDetail;
  cancelledBy: string | null;
}

/** An order goes through them one way. */
const STATUSES = ["NONE", "PLACED", "CANCELLED"];

export class SequentialModel {
  readonly #shop = createSequentialShop();
  /** Pieces that nobody has bought, by `city product`. */
  readonly stock = this.#shop.levels;
  readonly wallets = this.#shop.wallets;
  readonly orders = new Map<string, ModelOrder>();
  /** Every committed transaction by its id. */
  readonly committed = new Map<string, CommittedDetail>();
  /** What a key stands for, by `keyOf`. */
  readonly keys = new Map<string, CommittedDetail>();
  /** Amounts of top-ups by `client key`. */
  readonly topUps = new Map<string, number>();
  /** Quantities of restocks by `city key`. */
  readonly restocks = new Map<string, number>();
  readonly #aborted = new Set<string>();
  /** Of their homes. */
  readonly #pruned = new Set<string>();
  /** The balances of each wallet, one after the other. */
  readonly #balances = new Map<string, number[]>();

  /** Applies what a city has done. @throws Violation if it was not possible here and now */
  apply(cityId: string, fact: Fact): void {
    switch (fact.kind) {
      case "RESTOCKED": {
        const [productId, pieces, key = null] = fact.id.split(" ");
        const quantity = Number(pieces);
        this.#do({ kind: "RESTOCK", id: fact.id, cityId, productId: productId!, quantity, key });
        if (key !== null) this.restocks.set(`${cityId} ${key}`, quantity);
        break;
      }
      case "TOP_UP": {
        const { clientId, key, amount } = fact.detail;
        this.#do({ kind: "TOP_UP", id: fact.id, clientId, key, amount }, clientId);
        this.topUps.set(`${clientId} ${key}`, amount);
        break;
      }
      case "ABORTED":
        promise(!this.committed.has(fact.id), () => `${fact.id} was committed and is aborted`);
        promise(
          !this.#pruned.has(fact.id) || ["ABORTED", "TOO_OLD"].includes(fact.detail.answer),
          () => `${fact.id} was pruned and is taken for a new one: ${fact.detail.answer}`,
        );
        this.#aborted.add(fact.id);
        break;
      case "PRUNED":
        promise(!this.committed.has(fact.id), () => `${fact.id} was committed and is pruned`);
        if (fact.id.startsWith(`${cityId}:`)) this.#pruned.add(fact.id);
        break;
      case "COMMITTED":
        this.#commit(cityId, fact.detail);
        break;
      default:
        fact satisfies never;
    }
  }

  #commit(cityId: string, detail: CommittedDetail): void {
    const { id, kind, clientId, key } = detail;
    promise(id.startsWith(`${cityId}:`), () => `${cityId} has decided ${id}, whose home it is not`);
    promise(!this.committed.has(id) && !this.#aborted.has(id), () => `${id} was decided twice`);
    const name = keyOf(kind, clientId, key);
    promise(
      !this.keys.has(name),
      () => `the key ${name} stands for ${this.keys.get(name)?.id} and for ${id}`,
    );
    this.keys.set(name, detail);
    this.committed.set(id, detail);
    if (kind === "ORDER") this.#placeOrder(detail);
    else if (kind === "CANCELLATION") this.#cancelOrder(detail);
    else this.#transfer(cityId, detail);
  }

  #placeOrder(detail: CommittedDetail): void {
    const { id, order } = detail;
    promise(order !== null, () => `${id} is committed without an order`);
    const total = order.lines.reduce((sum, [, quantity, unitPrice]) => sum + quantity * unitPrice, 0);
    promise(total === order.total, () => `the lines of ${id} come to ${total}, its total is ${order.total}`);
    const allocations = order.allocations.map(([cityId, productId, quantity]) => {
      return { cityId, productId, quantity };
    });
    const { clientId, payment } = order;
    const fromWallet = payment === "WALLET" ? total : 0;
    this.#do({ kind: "ORDER", id, clientId, key: detail.key, allocations, fromWallet }, clientId);
    this.orders.set(id, { detail, cancelledBy: null });
  }

  #cancelOrder({ id, cancels }: CommittedDetail): void {
    const cancelled = this.orders.get(cancels ?? "");
    const clientId = cancelled?.detail.order?.clientId;
    this.#do({ kind: "CANCELLATION", id, orderId: String(cancels) }, clientId);
    cancelled!.cancelledBy = id;
  }

  #transfer(cityId: string, { id, transfer }: CommittedDetail): void {
    promise(transfer !== null, () => `${id} is committed without a transfer`);
    this.#do({ kind: "TRANSFER", id, ...transfer, to: cityId });
  }

  /** @param clientId whose wallet it may change. @throws Violation */
  #do(commit: Commit, clientId?: string): void {
    const fault = this.#shop.apply(commit);
    promise(fault === null, () => `${commit.kind} ${commit.id}: ${fault}`);
    if (clientId !== undefined) this.#balancesOf(clientId).push(this.wallets.get(clientId) ?? 0);
  }

  #balancesOf(clientId: string): number[] {
    const balances = this.#balances.get(clientId) ?? [0];
    this.#balances.set(clientId, balances);
    return balances;
  }

  /** Gives what a wallet has held between this call and the call of the result. */
  watchWallet(clientId: string): () => number[] {
    const balances = this.#balancesOf(clientId);
    const from = balances.length - 1;
    return () => balances.slice(from);
  }

  /** Gives where an order has stood between this call and the call of the result. */
  watchStatus(orderId: string): () => string[] {
    const from = this.#statusOf(orderId);
    return () => STATUSES.slice(from, this.#statusOf(orderId) + 1);
  }

  #statusOf(orderId: string): number {
    const order = this.orders.get(orderId);
    return !order ? 0 : order.cancelledBy === null ? 1 : 2;
  }

  /** Compares a city's database with the model. @throws Violation */
  compare(cityId: string, city: CityMirror): void {
    for (const [id, { state }] of city.decisions) {
      promise((state === "COMMITTED") === this.committed.has(id), () => `${cityId} has ${id} as ${state}`);
    }
    for (const [clientId, balance] of city.wallets) {
      const expected = this.wallets.get(clientId) ?? 0;
      promise(balance === expected, () => `the wallet of ${clientId} holds ${balance}, not ${expected}`);
    }
    for (const [id, { kind, state }] of city.participations) {
      const committed = this.committed.get(id);
      promise(
        state !== "COMMITTED" || committed !== undefined,
        () => `${cityId} has confirmed ${id}, which is not committed`,
      );
      promise(state !== "ABORTED" || !committed, () => `${cityId} has released ${id}, which is committed`);
      if (committed && kind !== null) {
        promise(kind === committed.kind, () => `${cityId} takes ${id} for a ${kind}`);
      }
    }
    this.#compareLevels(cityId, city);
  }

  #compareLevels(cityId: string, city: CityMirror): void {
    const open = this.#pending(cityId, city);
    for (const [productId, { onHand, reserved }] of city.stock) {
      const name = `${cityId} ${productId}`;
      const level = this.stock.get(name) ?? 0;
      const actual = onHand + (open.get(productId) ?? 0);
      promise(actual === level, () => `${name} comes to ${actual}, not ${level}`);
      promise(
        onHand - reserved <= level,
        () => `${name} offers ${onHand - reserved}, there is only ${level}`,
      );
    }
  }

  /**
   * By product what a city will take from its stock, or add to it, for commits that it has not applied yet.
   */
  #pending(cityId: string, city: CityMirror): Map<string, number> {
    const open = new Map<string, number>();
    const add = (productId: string, quantity: number) =>
      open.set(productId, (open.get(productId) ?? 0) + quantity);
    for (const [id, productId, quantity] of city.held())
      if (this.committed.has(id)) add(productId, -quantity);
    for (const { detail, cancelledBy } of this.orders.values()) {
      if (!cancelledBy || city.participations.has(cancelledBy) || detail.id.startsWith(`${cityId}:`))
        continue;
      for (const [giver, productId, quantity] of detail.order!.allocations) {
        if (giver === cityId) add(productId, quantity);
      }
    }
    return open;
  }
}

/** The name of a key: it is unique for a kind and a client; transfers are nobody's. */
export function keyOf(kind: string, clientId: string | null, key: string): string {
  return `${kind} ${clientId ?? "-"} ${key}`;
}
