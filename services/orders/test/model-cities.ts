/**
 * The cities' side of the commit protocol in memory, with faults: what the orchestrator's tests run against. It follows
 * protocol_model's rules, and complains when the orchestrator sends what the protocol forbids.
 */
import type {
  CityMessages,
  CommitAnswer,
  CommitMessage,
  DecideMessage,
  OutcomeAnswer,
  PrepareAnswer,
  PrepareMessage,
} from "../src/city-messages.ts";
import type { ProductQuantity, StockLevels, StockShortage } from "../src/model.ts";
import type { HomeFacts, OrderReads } from "../src/order-reads.ts";
import { FaultyNetwork } from "./faulty-network.ts";

interface Level {
  onHand: number;
  reserved: number;
}
interface Participation {
  state: "PREPARED" | "COMMITTED" | "ABORTED";
  lines: readonly ProductQuantity[];
}
interface Decision {
  answer: CommitAnswer;
  message: CommitMessage | null;
}

export class ModelCities {
  readonly network = new FaultyNetwork();
  /** What the orchestrator did that the protocol forbids. */
  readonly offences: string[] = [];
  readonly decisions = new Map<string, Decision>();
  readonly #stock: Map<string, Map<string, Level>>;
  readonly #participations = new Map<string, Participation>();
  readonly #initial: Map<string, number>;
  readonly #soldElsewhere = new Map<string, number>();
  /** Transactions of which a commit was sent that may have arrived, and those that the home has said are not committed. */
  readonly #mayBeCommitted = new Set<string>();
  readonly #knownAborted = new Set<string>();
  readonly #homeId: string;
  readonly #clientId: string;

  constructor(clientId: string, stock: Record<string, Record<string, number>>) {
    this.#clientId = clientId;
    this.#homeId = clientId.split(":")[0]!;
    this.#stock = new Map(
      Object.entries(stock).map(([city, levels]) => [
        city,
        new Map(Object.entries(levels).map(([id, onHand]) => [id, { onHand, reserved: 0 }])),
      ]),
    );
    this.#initial = this.totals();
  }

  readonly messages: CityMessages = {
    prepare: (city, message) => this.#carry("prepare", city, () => this.#prepare(city, message)),
    commit: async (city, message) => {
      const mayArrive = () => this.#mayBeCommitted.add(message.transactionId);
      const answer = await this.#carry("commit", city, () => this.#commit(message), mayArrive);
      if (answer.state !== "COMMITTED") this.#knownAborted.add(message.transactionId);
      return answer;
    },
    decide: (city, message) => {
      this.#judge(city, message);
      return this.#carry(`decide ${message.decision}`, city, () => {
        this.#decide(city, message);
        return { transactionId: message.transactionId, state: "DONE" as const };
      });
    },
    outcome: async (city, message) => {
      const answer = await this.#carry("outcome", city, () => this.#outcome(message.transactionId));
      if (answer.state === "ABORTED") this.#knownAborted.add(message.transactionId);
      return answer;
    },
  };

  readonly reads: OrderReads = {
    home: (city, { clientId, idempotencyKey }) =>
      this.#carry("read", city, (): HomeFacts => {
        const keyed = idempotencyKey === null ? undefined : this.orderOf(idempotencyKey);
        return {
          clientExists: clientId === this.#clientId,
          keyedOrder: keyed ? { orderId: keyed.transactionId, requestHash: keyed.requestHash } : null,
          levels: this.#levels(city),
        };
      }),
    stock: (city) => this.#carry("read", city, () => this.#levels(city)),
    products: async (ids) =>
      new Map(
        ids
          .filter((id) => this.#initial.has(id))
          .map((id) => [id, { price: 100, discontinued: id === "old" }]),
      ),
  };

  /** What late messages and the cities' own workers do once the orchestrator is gone. */
  recover(): void {
    this.network.heal();
    for (const { answer, message } of this.decisions.values()) {
      if (answer.state !== "COMMITTED") continue;
      for (const { cityId } of message!.allocations) {
        if (cityId !== this.#homeId) this.#decide(cityId, this.#decisionFor(cityId, message!));
      }
    }
    for (const key of this.#participations.keys()) {
      const [city, transactionId] = key.split(" ") as [string, string];
      const { state } = this.#outcome(transactionId);
      if (state === "ABORTED") this.#decide(city, { transactionId, decision: "ABORTED", lines: [] });
    }
  }

  /** Breaches of the invariants, now that everything has come to rest. */
  breaches(): string[] {
    const found = [...this.offences];
    const ordered = new Map(this.#soldElsewhere);
    const keys = new Set<string>();
    for (const { answer, message } of this.decisions.values()) {
      if (answer.state !== "COMMITTED") continue;
      if (keys.has(message!.idempotencyKey)) found.push("one key, two orders");
      keys.add(message!.idempotencyKey);
      for (const { productId, quantity } of message!.lines) add(ordered, productId, quantity);
      const open = new Map(message!.lines.map(({ productId, quantity }) => [productId, quantity]));
      for (const { productId, quantity } of message!.allocations) add(open, productId, -quantity);
      if ([...open.values()].some((left) => left !== 0)) found.push("allocations do not add up");
    }
    for (const [productId, total] of this.totals()) {
      if (total + (ordered.get(productId) ?? 0) !== this.#initial.get(productId))
        found.push(`${productId} is not conserved`);
    }
    for (const levels of this.#stock.values()) {
      for (const { reserved } of levels.values()) if (reserved !== 0) found.push("stock stays reserved");
    }
    return found;
  }

  /** The order that is committed under a key. */
  orderOf(key: string): CommitMessage | undefined {
    for (const { answer, message } of this.decisions.values()) {
      if (answer.state === "COMMITTED" && message!.idempotencyKey === key) return message!;
    }
    return undefined;
  }

  /** Pieces on hand over all cities, by product. */
  totals(): Map<string, number> {
    const totals = new Map<string, number>();
    for (const levels of this.#stock.values()) for (const [id, { onHand }] of levels) add(totals, id, onHand);
    return totals;
  }

  #carry<Answer>(kind: string, city: string, effect: () => Answer, mayArrive?: () => void): Promise<Answer> {
    const steal = () => this.#steal(city);
    const fence = () => {
      for (const key of this.#participations.keys()) this.#outcome(key.split(" ")[1]!);
    };
    return this.network.carry({
      name: `${kind} ${city}`,
      effect,
      steal,
      fence,
      ...(mayArrive && { mayArrive }),
    });
  }

  /** What the orchestrator may announce, judged by what it can know. */
  #judge(city: string, { transactionId, decision, lines }: DecideMessage): void {
    const { answer, message } = this.decisions.get(transactionId) ?? {};
    if (decision === "COMMITTED") {
      const given = message && this.#decisionFor(city, message).lines;
      const isRight = answer?.state === "COMMITTED" && JSON.stringify(given) === JSON.stringify(lines);
      if (!isRight) this.offences.push(`COMMIT sent to ${city} that the home has not decided so`);
    } else if (this.#mayBeCommitted.has(transactionId) && !this.#knownAborted.has(transactionId)) {
      this.offences.push(`ABORT sent to ${city} while the home may have committed`);
    }
  }

  #decisionFor(city: string, { transactionId, allocations }: CommitMessage): DecideMessage {
    const given = allocations.filter(({ cityId }) => cityId === city);
    return {
      transactionId,
      decision: "COMMITTED",
      lines: given.map(({ productId, quantity }) => ({ productId, quantity })),
    };
  }

  #levels(city: string): StockLevels {
    return new Map([...this.#stock.get(city)!].map(([id, { onHand, reserved }]) => [id, onHand - reserved]));
  }

  #shortages(city: string, lines: readonly ProductQuantity[]): StockShortage[] {
    const levels = this.#levels(city);
    return lines
      .map(({ productId, quantity }) => ({
        productId,
        requested: quantity,
        available: levels.get(productId) ?? 0,
      }))
      .filter(({ requested, available }) => requested > available);
  }

  #prepare(city: string, { transactionId, lines }: PrepareMessage): PrepareAnswer {
    if (city === this.#homeId) this.offences.push("prepare sent to the home");
    const key = `${city} ${transactionId}`;
    const known = this.#participations.get(key);
    if (known) return { transactionId, state: known.state === "PREPARED" ? "PREPARED" : "ABORTED" };
    const shortages = this.#shortages(city, lines);
    this.#participations.set(key, { state: shortages.length > 0 ? "ABORTED" : "PREPARED", lines });
    if (shortages.length > 0) return { transactionId, state: "REFUSED", shortages };
    for (const { productId, quantity } of lines) this.#stock.get(city)!.get(productId)!.reserved += quantity;
    return { transactionId, state: "PREPARED" };
  }

  #commit(message: CommitMessage): CommitAnswer {
    const { transactionId } = message;
    const earlier = this.decisions.get(transactionId);
    if (earlier) return earlier.answer;
    const answer = this.#judgeOrder(message);
    this.decisions.set(transactionId, { answer, message });
    if (answer.state === "COMMITTED") {
      for (const { cityId, productId, quantity } of message.allocations) {
        if (cityId === this.#homeId) this.#stock.get(cityId)!.get(productId)!.onHand -= quantity;
      }
    }
    return answer;
  }

  #judgeOrder(message: CommitMessage): CommitAnswer {
    const { transactionId, clientId, idempotencyKey, requestHash, allocations } = message;
    if (clientId !== this.#clientId) return { transactionId, state: "UNKNOWN_CLIENT" };
    const same = this.orderOf(idempotencyKey);
    if (same) {
      const state = same.requestHash === requestHash ? "REPLAYED" : "KEY_REUSED";
      return { transactionId, state, orderId: same.transactionId };
    }
    const shortages = this.#shortages(
      this.#homeId,
      allocations.filter(({ cityId }) => cityId === this.#homeId),
    );
    if (shortages.length > 0) return { transactionId, state: "REFUSED", shortages };
    return { transactionId, state: "COMMITTED", orderId: transactionId };
  }

  #decide(city: string, { transactionId, decision, lines }: DecideMessage): void {
    const key = `${city} ${transactionId}`;
    const known = this.#participations.get(key);
    if (decision === "ABORTED") {
      if (known?.state === "COMMITTED") this.offences.push(`${city} was told to abort what it has committed`);
      if (known?.state === "PREPARED") this.#release(city, known.lines);
      if (known?.state !== "COMMITTED") this.#participations.set(key, { state: "ABORTED", lines: [] });
      return;
    }
    if (known?.state === "COMMITTED") return;
    if (known?.state !== "PREPARED" || JSON.stringify(known.lines) !== JSON.stringify(lines)) {
      this.offences.push(`${city} was told to commit what it has not prepared`);
      return;
    }
    this.#release(city, known.lines);
    for (const { productId, quantity } of known.lines)
      this.#stock.get(city)!.get(productId)!.onHand -= quantity;
    this.#participations.set(key, { ...known, state: "COMMITTED" });
  }

  #release(city: string, lines: readonly ProductQuantity[]): void {
    for (const { productId, quantity } of lines) this.#stock.get(city)!.get(productId)!.reserved -= quantity;
  }

  #outcome(transactionId: string): OutcomeAnswer {
    if (!this.decisions.has(transactionId)) {
      this.decisions.set(transactionId, { answer: { transactionId, state: "ABORTED" }, message: null });
    }
    const { answer } = this.decisions.get(transactionId)!;
    return { transactionId, state: answer.state === "COMMITTED" ? "COMMITTED" : "ABORTED" };
  }

  #steal(city: string): void {
    for (const [productId, level] of this.#stock.get(city)!) {
      add(this.#soldElsewhere, productId, level.onHand - level.reserved);
      level.onHand = level.reserved;
    }
  }
}

function add(totals: Map<string, number>, key: string, amount: number): void {
  totals.set(key, (totals.get(key) ?? 0) + amount);
}
