/**
 * A city's tables as the checks see them: a copy in memory, kept up by the rows that each transaction has
 * written (look.sql). To ask the database for all of it after each write took as long as the writes.
 */

/** The rows that a transaction has written; null for a table that it has not touched. */
export interface Written {
  stock: [productId: string, onHand: number, reserved: number][] | null;
  participations:
    | [transactionId: string, kind: string | null, state: string, nextAttemptMs: number | null][]
    | null;
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
  participants:
    | [transactionId: string, cityId: string, isTold: boolean, nextAttemptMs: number | null][]
    | null;
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
  wallets: [clientId: string, balance: number][] | null;
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
  /** When its home is asked about it, if nothing is heard. */
  nextAttemptMs: number | null;
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
  readonly participations = new Map<string, Participation>();
  /** An ABORT that comes again after that writes a row anew, without the lines that were set aside. */
  readonly pruned = new Set<string>();
  readonly decisions = new Map<string, Decision>();
  /** Those of a home's transactions, and whether they have acknowledged: by transaction, and by city. */
  readonly participants = new Map<string, Map<string, boolean>>();
  readonly orders = new Map<string, Order>();
  readonly statuses = new Map<string, string>();
  /** Orders by the transactions that have cancelled them. */
  readonly cancellations = new Map<string, string>();
  readonly transfers = new Map<string, Transfer>();
  readonly postings = new Map<number, Posting>();
  /** The balances. */
  readonly wallets = new Map<string, number>();
  /** When participants that have not acknowledged are told again: by transaction and city. */
  readonly #tellings = new Map<string, number>();

  /** Takes what one transaction has written. Returns what has happened by it, in order. */
  apply(written: Written): Fact[] {
    this.#applyStock(written);
    this.#applyDecisions(written);
    this.#applyMoney(written);
    return (written.facts ?? []).map(([kind, id]) => this.#fact(kind, id));
  }

  #applyStock({ stock, participations, reservations }: Written): void {
    for (const [id, onHand, reserved] of stock ?? []) this.stock.set(id, { onHand, reserved });
    for (const [id, kind, state, nextAttemptMs] of participations ?? []) {
      const lines = this.participations.get(id)?.lines ?? [];
      this.participations.set(id, { kind, state, nextAttemptMs, lines });
    }
    for (const [id, ...line] of reservations ?? []) this.participations.get(id)!.lines.push(line);
  }

  #applyDecisions({ decisions, participants, orders, lines, allocations, transfers }: Written): void {
    for (const [id, state, kind, clientId, key, hash, answer] of decisions ?? []) {
      this.decisions.set(id, { state, kind, clientId, key, hash, answer });
    }
    for (const [id, cityId, isTold, nextAttemptMs] of participants ?? []) {
      const told = this.participants.get(id) ?? new Map<string, boolean>();
      this.participants.set(id, told.set(cityId, isTold));
      const name = `${id},${cityId}`;
      if (isTold || nextAttemptMs === null) this.#tellings.delete(name);
      else this.#tellings.set(name, nextAttemptMs);
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

  #applyMoney({ postings, entries, wallets }: Written): void {
    for (const [id, transactionId, clientId, key] of postings ?? []) {
      this.postings.set(id, { transactionId, clientId, key, entries: [] });
    }
    for (const [id, clientId, amount] of entries ?? []) {
      this.postings.get(id)!.entries.push({ clientId, amount });
    }
    for (const [id, balance] of wallets ?? []) this.wallets.set(id, balance);
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
        this.pruned.add(id);
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

  /** Whether pruning would find something: the horizon stays so far behind the newest aborted transaction. */
  isPrunable(nowMs: number, keptMs: number): boolean {
    let [oldestMs, newestMs] = [Infinity, -Infinity];
    for (const list of [this.decisions, this.participations]) {
      for (const [id, { state }] of list) {
        if (state !== "ABORTED") continue;
        oldestMs = Math.min(oldestMs, timeOf(id));
        newestMs = Math.max(newestMs, timeOf(id));
      }
    }
    return oldestMs < Math.min(nowMs, newestMs) - keptMs;
  }

  /** Whether recovery has something to do at a time. */
  isDue(nowMs: number): boolean {
    const isOverdue = ({ state, nextAttemptMs }: Participation) =>
      state === "PREPARED" && nextAttemptMs !== null && nextAttemptMs <= nowMs;
    return (
      this.#tellings.values().some((atMs) => atMs <= nowMs) || this.participations.values().some(isOverdue)
    );
  }

  /** The names of the tables that are not as in another copy. */
  unlike(other: CityMirror): string[] {
    const names = Object.keys(this) as (keyof CityMirror)[];
    return names.filter((name) => contentOf(this[name]) !== contentOf(other[name]));
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

/** The time in a transaction's id, `home:UUIDv7`. */
function timeOf(id: string): number {
  const from = id.indexOf(":") + 1;
  return Number.parseInt(id.slice(from, from + 8) + id.slice(from + 9, from + 13), 16);
}

/** The same for equal content, in whatever order it came. */
function contentOf(value: unknown): string {
  if (value instanceof Map) {
    return Array.from(value, ([key, of]) => `${key} ${contentOf(of)}`)
      .sort()
      .join("\n");
  }
  return JSON.stringify(value, (_, of) =>
    Array.isArray(of) ? of.map((each) => JSON.stringify(each)).sort() : of,
  );
}
