/** The stock of the model cities, and each city's record of the transactions in which it takes part. */

import type {
  DecideMessage,
  PrepareAnswer,
  PrepareMessage,
  ProductQuantity,
  StockShortage,
} from "@teranga/protocol/messages.ts";
import type { StockLevels } from "../src/model.ts";

/** Pieces on hand, by city and product. */
export type InitialStock = Record<string, Record<string, number>>;

interface Level {
  onHand: number;
  reserved: number;
}
interface Participation {
  state: "PREPARED" | "COMMITTED" | "ABORTED";
  lines: readonly ProductQuantity[];
}

export class ModelStock {
  /** By city and transaction. */
  readonly participations = new Map<string, Participation>();
  /** Stock that other orders took, which the orchestrator does not know. */
  readonly soldElsewhere = new Map<string, number>();
  readonly #levels: Map<string, Map<string, Level>>;
  readonly #offences: string[];

  constructor(initial: InitialStock, offences: string[]) {
    this.#offences = offences;
    this.#levels = new Map(
      Object.entries(initial).map(([city, levels]) => [
        city,
        new Map(Object.entries(levels).map(([id, onHand]) => [id, { onHand, reserved: 0 }])),
      ]),
    );
  }

  /** Pieces available. */
  available(city: string): StockLevels {
    return new Map([...this.#levels.get(city)!].map(([id, { onHand, reserved }]) => [id, onHand - reserved]));
  }

  shortages(city: string, lines: readonly ProductQuantity[]): StockShortage[] {
    const levels = this.available(city);
    return lines
      .map(({ productId, quantity }) => ({
        productId,
        requested: quantity,
        available: levels.get(productId) ?? 0,
      }))
      .filter(({ requested, available }) => requested > available);
  }

  /** Changes pieces on hand. @param sign of the change */
  move(city: string, lines: readonly ProductQuantity[], sign: 1 | -1): void {
    for (const { productId, quantity } of lines) this.#level(city, productId).onHand += sign * quantity;
  }

  prepare(city: string, { transactionId, kind, lines }: PrepareMessage): PrepareAnswer {
    if (transactionId.startsWith(`${city}:`)) this.#offences.push("prepare sent to the home");
    if (kind === "CANCELLATION") this.#offences.push("a cancellation was prepared");
    const key = `${city} ${transactionId}`;
    const known = this.participations.get(key);
    if (known) return { transactionId, state: known.state === "PREPARED" ? "PREPARED" : "ABORTED" };
    const shortages = this.shortages(city, lines);
    this.participations.set(key, { state: shortages.length > 0 ? "ABORTED" : "PREPARED", lines });
    if (shortages.length > 0) return { transactionId, state: "REFUSED", shortages };
    this.#reserve(city, lines, 1);
    return { transactionId, state: "PREPARED" };
  }

  decide(city: string, message: DecideMessage): void {
    const { transactionId, kind, decision, lines } = message;
    const key = `${city} ${transactionId}`;
    const known = this.participations.get(key);
    if (decision === "ABORTED") {
      if (known?.state === "COMMITTED")
        this.#offences.push(`${city} was told to abort what it has committed`);
      if (known?.state === "PREPARED") this.#reserve(city, known.lines, -1);
      if (known?.state !== "COMMITTED") this.participations.set(key, { state: "ABORTED", lines: [] });
      return;
    }
    if (known?.state === "COMMITTED") return;
    if (kind === "CANCELLATION") {
      if (known) this.#offences.push(`${city} knows of a cancellation that it was never told of`);
      this.move(city, lines, 1);
    } else {
      if (known?.state !== "PREPARED" || JSON.stringify(known.lines) !== JSON.stringify(lines)) {
        this.#offences.push(`${city} was told to commit what it has not prepared`);
        return;
      }
      this.#reserve(city, lines, -1);
      this.move(city, lines, -1);
    }
    this.participations.set(key, { state: "COMMITTED", lines });
  }

  /** Another order takes all that is available. */
  steal(city: string): void {
    for (const [productId, level] of this.#levels.get(city)!) {
      add(this.soldElsewhere, productId, level.onHand - level.reserved);
      level.onHand = level.reserved;
    }
  }

  /** Pieces on hand over all cities, by product. */
  totals(): Map<string, number> {
    const totals = new Map<string, number>();
    for (const levels of this.#levels.values())
      for (const [id, { onHand }] of levels) add(totals, id, onHand);
    return totals;
  }

  get isAllReleased(): boolean {
    return [...this.#levels.values()].every((levels) =>
      levels.values().every(({ reserved }) => reserved === 0),
    );
  }

  #reserve(city: string, lines: readonly ProductQuantity[], sign: 1 | -1): void {
    for (const { productId, quantity } of lines) this.#level(city, productId).reserved += sign * quantity;
  }

  #level(city: string, productId: string): Level {
    const levels = this.#levels.get(city)!;
    if (!levels.has(productId)) levels.set(productId, { onHand: 0, reserved: 0 });
    return levels.get(productId)!;
  }
}

export function add(totals: Map<string, number>, key: string, amount: number): void {
  totals.set(key, (totals.get(key) ?? 0) + amount);
}
