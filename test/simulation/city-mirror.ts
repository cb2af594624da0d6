/**
 * A city's tables as the checks see them: a copy in memory, kept up by the rows that each transaction has
 * written (look.sql). To ask the database for all of it after each write took as long as the writes.
 */

/** The rows that a transaction has written; null for a table that it has not touched. */
export interface Written {
  stock: [productId: string, onHand: number, reserved: number][] | null;
  movements: [productId: string, onHand: number, reserved: number][] | null;
  participations: [transactionId: string, kind: string | null, state: string][] | null;
  reservations: [transactionId: string, productId: string, quantity: number][] | null;
  decisions:
    | [
        id: string,
        state: string,
        kind: Kind,
        clientId: string | null,
        key: string,
        hash: string,
        answer: string,
      ][]
    | null;
  participants: [transactionId: string, cityId: string, isTold: boolean][] | null;
  orders:
    | [
        id: string,
        clientId: string,
        total: number,
        payment: string,
        status: string,
        cancelledBy: string | null,
      ][]
    | null;
  lines: [orderId: string, productId: string, quantity: number, unitPrice: number][] | null;
  allocations: [orderId: string, cityId: string, productId: string, quantity: number][] | null;
  transfers: [transactionId: string, productId: string, from: string, quantity: number][] | null;
  postings: [id: number, transactionId: string | null, clientId: string | null, key: string | null][] | null;
  entries: [postingId: number, clientId: string | null, amount: number][] | null;
  wallets: [clientId: string, balance: number, held: number][] | null;
  payments: [transactionId: string, state: string][] | null;
  facts: [kind: Fact["kind"], id: string][] | null;
}

type Kind = "ORDER" | "CANCELLATION" | "TRANSFER";

/** Something that has happened for good. */
export type Fact =
  | { kind: "COMMITTED"; id: string; detail: CommittedDetail }
  | { kind: "ABORTED"; id: string; detail: { answer: string } }
  | { kind: "PRUNED"; id: string; detail: null }
  | { kind: "RESTOCKED"; id: string; detail: null }
  | { kind: "TOP_UP"; id: string; detail: { clientId: string; key: string; amount: number } };

export interface CommittedDetail {
  id: string;
  kind: Kind;
  clientId: string | null;
  key: string;
  hash: string;
  order: Order | null;
  cancels: string | null;
  transfer: Transfer | null;
}

export interface Order {
  clientId: string;
  total: number;
  payment: string;
  lines: [productId: string, quantity: number, unitPrice: number][];
  allocations: [cityId: string, productId: string, quantity: number][];
}

interface Transfer {
  productId: string;
  from: string;
  quantity: number;
}

interface Level {
  onHand: number;
  reserved: number;
}

interface Participation {
  kind: string | null;
  state: string;
  /** What is, or was, set aside. */
  lines: [productId: string, quantity: number][];
}

interface Decision {
  state: string;
  kind: Kind;
  clientId: string | null;
  key: string;
  hash: string;
  /** The state that the commit was answered with; of a fence ABORTED. */
  answer: string;
}

interface Posting {
  transactionId: string | null;
  clientId: string | null;
  key: string | null;
  entries: { clientId: string | null; amount: number }[];
}

export class CityMirror {
  readonly stock = new Map<string, Level>();
  /** The sum of the movements of each product. */
  readonly moved = new Map<string, Level>();
  readonly participations = new Map<string, Participation>();
  readonly decisions = new Map<string, Decision>();
  /** Those of a home's transactions, and whether they have acknowledged: by transaction, and by city. */
  readonly participants = new Map<string, Map<string, boolean>>();
  readonly orders = new Map<string, Order>();
  readonly statuses = new Map<string, string>();
  /** Orders by the transactions that have cancelled them. */
  readonly cancellations = new Map<string, string>();
  readonly transfers = new Map<string, Transfer>();
  readonly postings = new Map<number, Posting>();
  readonly wallets = new Map<string, { balance: number; held: number }>();
  /** Where the payment of each order stands. */
  readonly payments = new Map<string, string>();

  /** Takes what one transaction has written. Returns what has happened by it, in order. */
  apply(written: Written): Fact[] {
    this.#applyStock(written);
    this.#applyDecisions(written);
    this.#applyMoney(written);
    return (written.facts ?? []).map(([kind, id]) => this.#fact(kind, id));
  }

  #applyStock({ stock, movements, participations, reservations }: Written): void {
    for (const [id, onHand, reserved] of stock ?? []) this.stock.set(id, { onHand, reserved });
    for (const [id, onHand, reserved] of movements ?? []) {
      const sum = this.moved.get(id) ?? { onHand: 0, reserved: 0 };
      this.moved.set(id, { onHand: sum.onHand + onHand, reserved: sum.reserved + reserved });
    }
    for (const [id, kind, state] of participations ?? []) {
      this.participations.set(id, { kind, state, lines: this.participations.get(id)?.lines ?? [] });
    }
    for (const [id, ...line] of reservations ?? []) this.participations.get(id)!.lines.push(line);
  }

  #applyDecisions({ decisions, participants, orders, lines, allocations, transfers }: Written): void {
    for (const [id, state, kind, clientId, key, hash, answer] of decisions ?? []) {
      this.decisions.set(id, { state, kind, clientId, key, hash, answer });
    }
    for (const [id, cityId, isTold] of participants ?? []) {
      const told = this.participants.get(id) ?? new Map<string, boolean>();
      this.participants.set(id, told.set(cityId, isTold));
    }
    for (const [id, clientId, total, payment, status, cancelledBy] of orders ?? []) {
      const { lines = [], allocations = [] } = this.orders.get(id) ?? {};
      this.orders.set(id, { clientId, total, payment, lines, allocations });
      this.statuses.set(id, status);
      if (cancelledBy !== null) this.cancellations.set(cancelledBy, id);
    }
    for (const [id, ...line] of lines ?? []) this.orders.get(id)!.lines.push(line);
    for (const [id, ...allocation] of allocations ?? []) this.orders.get(id)!.allocations.push(allocation);
    for (const [id, productId, from, quantity] of transfers ?? []) {
      this.transfers.set(id, { productId, from, quantity });
    }
  }

  #applyMoney({ postings, entries, wallets, payments }: Written): void {
    for (const [id, transactionId, clientId, key] of postings ?? []) {
      this.postings.set(id, { transactionId, clientId, key, entries: [] });
    }
    for (const [id, clientId, amount] of entries ?? []) {
      this.postings.get(id)!.entries.push({ clientId, amount });
    }
    for (const [id, balance, held] of wallets ?? []) this.wallets.set(id, { balance, held });
    for (const [id, state] of payments ?? []) this.payments.set(id, state);
  }

  #fact(kind: Fact["kind"], id: string): Fact {
    switch (kind) {
      case "COMMITTED":
        return { kind, id, detail: this.#committed(id) };
      case "ABORTED":
        return { kind, id, detail: { answer: this.decisions.get(id)!.answer } };
      case "TOP_UP": {
        const { clientId, key, entries } = this.postings.get(Number(id))!;
        const { amount } = entries.find((entry) => entry.clientId !== null)!;
        return { kind, id, detail: { clientId: clientId!, key: key!, amount } };
      }
      case "PRUNED":
        this.decisions.delete(id);
        this.participations.delete(id);
        return { kind, id, detail: null };
      case "RESTOCKED":
        return { kind, id, detail: null };
      default:
        return kind satisfies never;
    }
  }

  #committed(id: string): CommittedDetail {
    const { kind, clientId, key, hash } = this.decisions.get(id)!;
    const [order, cancels, transfer] = [this.orders, this.cancellations, this.transfers].map(
      (map) => map.get(id) ?? null,
    ) as [Order | null, string | null, Transfer | null];
    return { id, kind, clientId, key, hash, order, cancels, transfer };
  }

  /** Whether there is something that can be pruned, once it is old. */
  get hasAborted(): boolean {
    const isAborted = ({ state }: { state: string }) => state === "ABORTED";
    return this.decisions.values().some(isAborted) || this.participations.values().some(isAborted);
  }

  /** What is set aside here for transactions of other homes. */
  *held(): Generator<[transactionId: string, productId: string, quantity: number]> {
    for (const [id, { state, lines }] of this.participations) {
      if (state === "PREPARED") for (const line of lines) yield [id, ...line];
    }
  }

  /** Participants that have not acknowledged. */
  *untold(): Generator<[transactionId: string, cityId: string]> {
    for (const [id, cities] of this.participants) {
      for (const [cityId, isTold] of cities) if (!isTold) yield [id, cityId];
    }
  }
}
