/**
 * The cities' side of the commit protocol in memory, with faults, for the orchestrator's tests. It follows
 * the protocol's rules, and records an offence when the orchestrator sends what the protocol forbids.
 *
 * The simulation runs the real SQL, from random seeds. These cities are there to try every fault of every
 * message and every pair of them: faults.test.ts makes 22,681 runs in 9 s of CPU time. The simulation
 * takes 30 s for 60 seeds.
 */

import type { CommitMessage, DecideMessage, TransactionKind } from "@teranga/protocol/messages.ts";
import type { CityMessages } from "@teranga/protocol/orchestrator/city-messages.ts";
import { LastLevels } from "../src/order/last-levels.ts";
import type { HomeFacts, KeyedTransaction, OrderReads } from "../src/order/order-reads.ts";
import { FaultyNetwork } from "./faulty-network.ts";
import { ModelHomes, totalOf } from "./model-homes.ts";
import { add, type InitialStock, ModelStock } from "./model-stock.ts";

/** The client's first balance. */
export const BALANCE = 1_000;
/** The price of each product. */
const PRICE = 100;

export class ModelCities {
  readonly network = new FaultyNetwork();
  /** Whatever the orchestrator did against the protocol. */
  readonly offences: string[] = [];
  readonly homes: ModelHomes;
  readonly #stock: ModelStock;
  readonly #initial: Map<string, number>;
  /**
   * The transactions for which a commit was sent that may have arrived, and those that the home has answered
   * are not committed.
   */
  readonly #mayBeCommitted = new Set<string>();
  readonly #knownAborted = new Set<string>();
  readonly #lastLevels = new LastLevels({ nowMs: () => 0, random: () => 0 });
  readonly #clientId: string;

  constructor(clientId: string, stock: InitialStock) {
    this.#clientId = clientId;
    this.#stock = new ModelStock(stock, this.offences);
    this.#initial = this.#stock.totals();
    this.homes = new ModelHomes(this.#stock, clientId, BALANCE);
  }

  readonly messages: CityMessages = {
    prepare: (city, message) => this.#carry("prepare", city, () => this.#stock.prepare(city, message)),
    commit: async (city, message) => {
      const { transactionId } = message.commit;
      if (!transactionId.startsWith(`${city}:`))
        this.offences.push("commit sent to another city than the home");
      const mayArrive = () => this.#mayBeCommitted.add(transactionId);
      const answer = await this.#carry("commit", city, () => this.homes.commit(message), mayArrive);
      if (answer.state !== "COMMITTED") this.#knownAborted.add(transactionId);
      return answer;
    },
    decide: (city, message) => {
      this.#judge(city, message);
      return this.#carry(`decide ${message.decision}`, city, () => {
        this.#stock.decide(city, message);
        return { transactionId: message.transactionId, state: "DONE" as const };
      });
    },
    outcome: async (city, { transactionId, cityId }) => {
      if (cityId !== city) this.offences.push("the outcome was asked in the name of another city");
      const answer = await this.#carry("outcome", city, () => this.homes.outcome(transactionId));
      if (answer.state === "ABORTED") this.#knownAborted.add(transactionId);
      return answer;
    },
  };

  readonly reads: OrderReads = {
    home: async (city, { clientId, idempotencyKey }) => {
      const facts = await this.#carry(
        "read",
        city,
        (): HomeFacts => ({
          clientExists: clientId === this.#clientId,
          keyedOrder: idempotencyKey === null ? null : this.#keyed("ORDER", idempotencyKey),
          levels: this.#stock.available(city),
        }),
      );
      this.#lastLevels.remember(city, facts.levels);
      return facts;
    },
    stock: (city) => this.#carry("read", city, () => this.#stock.available(city)),
    keyedTransfer: (city, key) => this.#carry("read", city, () => this.#keyed("TRANSFER", key)),
    products: async (ids) =>
      new Map(
        ids
          .filter((id) => this.#initial.has(id))
          .map((id) => [id, { price: PRICE, discontinued: id === "old" }]),
      ),
    lastLevels: (city) => this.#lastLevels.of(city),
    recentLevels: (city) => this.#lastLevels.recentlyOf(city),
    noteLevels: (city, levels) => this.#lastLevels.remember(city, levels),
  };

  /** Runs the late messages and the cities' own workers, once the orchestrator is gone. */
  recover(): void {
    this.network.heal();
    for (const message of this.homes.committed()) {
      for (const { cityId } of this.homes.partsOf(message))
        this.#stock.decide(cityId, this.#decisionFor(cityId, message));
    }
    for (const key of this.#stock.participations.keys()) {
      const [city, transactionId] = key.split(" ") as [string, string];
      if (this.homes.outcome(transactionId).state === "COMMITTED") continue;
      this.#stock.decide(city, { transactionId, kind: "ORDER", decision: "ABORTED", lines: [] });
    }
  }

  /** Broken invariants, once everything has come to rest. */
  breaches(): string[] {
    const found = [...this.offences];
    const keys = this.homes.committed().map(({ kind, commit }) => `${kind} ${commit.idempotencyKey}`);
    if (new Set(keys).size !== keys.length) found.push("one key, two transactions");

    const gone = new Map(this.#stock.soldElsewhere);
    let paid = 0;
    for (const { order, isCancelled } of this.homes.orders()) {
      const open = new Map(order.lines.map(({ productId, quantity }) => [productId, quantity]));
      for (const { productId, quantity } of order.allocations) add(open, productId, -quantity);
      if ([...open.values()].some((left) => left !== 0)) found.push("allocations do not add up");
      if (isCancelled) continue;
      for (const { productId, quantity } of order.lines) add(gone, productId, quantity);
      if (order.paymentMethod === "WALLET") paid += totalOf(order);
    }
    for (const [productId, total] of this.#stock.totals()) {
      if (total + (gone.get(productId) ?? 0) !== (this.#initial.get(productId) ?? 0))
        found.push(`${productId} is not conserved`);
    }
    if (this.homes.balance !== BALANCE - paid) found.push("the wallet is not what was paid");
    if (!this.#stock.isAllReleased) found.push("stock stays reserved");
    return found;
  }

  #keyed(kind: TransactionKind, key: string): KeyedTransaction | null {
    const { transactionId, requestHash } = this.homes.keyed(kind, key) ?? {};
    return transactionId && requestHash ? { transactionId, requestHash } : null;
  }

  #carry<Answer>(kind: string, city: string, effect: () => Answer, mayArrive?: () => void): Promise<Answer> {
    const steal = () => this.#stock.steal(city);
    const fence = () => {
      for (const key of this.#stock.participations.keys()) this.homes.outcome(key.split(" ")[1]!);
    };
    return this.network.carry({
      name: `${kind} ${city}`,
      effect,
      steal,
      fence,
      ...(mayArrive && { mayArrive }),
    });
  }

  /** Judges an announcement by what the orchestrator can know. */
  #judge(city: string, { transactionId, kind, decision, lines }: DecideMessage): void {
    const { answer, message } = this.homes.decisions.get(transactionId) ?? {};
    if (decision === "COMMITTED") {
      const right = message && answer?.state === "COMMITTED" && this.#decisionFor(city, message);
      const isRight = right && right.kind === kind && JSON.stringify(right.lines) === JSON.stringify(lines);
      if (!isRight) this.offences.push(`COMMIT sent to ${city} that the home has not decided so`);
    } else if (this.#mayBeCommitted.has(transactionId) && !this.#knownAborted.has(transactionId)) {
      this.offences.push(`ABORT sent to ${city} while the home may have committed`);
    }
  }

  #decisionFor(city: string, message: CommitMessage): DecideMessage {
    const part = this.homes.partsOf(message).find(({ cityId }) => cityId === city);
    const { transactionId } = message.commit;
    return { transactionId, kind: message.kind, decision: "COMMITTED", lines: part?.lines ?? [] };
  }
}
