/**
 * Clients of the shop: they order, cancel, transfer, top up, restock and read; they try again when no answer
 * comes, now and then also when one has come, beside a call under way, through another orchestrator, or with
 * another request under the same key.
 */

import type { Send } from "@teranga/kit/http/transport.ts";
import { homeOf } from "@teranga/protocol/messages.ts";
import type { Random } from "../harness/random.ts";
import { type Answer, ask, isUnavailable, isUnknown } from "./answers.ts";
import type { Catalog } from "./catalog.ts";
import type { Act, Habits } from "./habits.ts";
import { urlOf } from "./network.ts";
import {
  CANCEL_ORDER,
  PLACE_ORDER,
  READ_ORDER,
  READ_WALLET,
  RESTOCK,
  TOP_UP,
  TRANSFER_STOCK,
} from "./operations.ts";
import { type OrderInput, orderRequest } from "./order-input.ts";
import type { Life } from "./processes.ts";
import type { KeyedRequest, Promises } from "./promises.ts";
import type { SequentialModel } from "./sequential-model.ts";
import { CITY_IDS, UNKNOWN_PRODUCT } from "./shop.ts";
import { promise } from "./violation.ts";
import { Wishes } from "./wishes.ts";

export interface ClientMeans {
  life: Life;
  send: Send;
  random: Random;
  model: SequentialModel;
  promises: Promises;
  catalog: Catalog;
  /** Orders that some client has heard of. */
  orderIds: string[];
  /** The instances of a city's service that may be asked. */
  hostsOf: (cityId: string) => readonly string[];
  /** Whether nothing goes wrong in this run: then everything is answered. */
  isCalm: boolean;
}

/** A client that has heard nothing after so many calls gives up. */
const TRIES_MAX = 4;

export class Client {
  readonly #means: ClientMeans;
  readonly #habits: Habits;
  readonly #wishes: Wishes;
  readonly #id: string;
  /** Which of this client's hands acts here. */
  readonly #hand: number;
  readonly #keys = new Map<Act, number>();

  constructor(id: string, hand: number, habits: Habits, means: ClientMeans) {
    this.#id = id;
    this.#hand = hand;
    this.#habits = habits;
    this.#means = means;
    this.#wishes = new Wishes(habits, means);
  }

  /** Does all its operations, one after the other. @throws Violation */
  async run(): Promise<void> {
    const { life, random } = this.#means;
    const { operations, pauseMs, isInStep, weights, purse } = this.#habits;
    const acts = Object.entries(weights).map(([act, weight]) => ({ weight, item: act as Act }));
    if (purse > 0 && this.#hand === 1) await this.#topUp(purse);
    for (let count = 0; count < operations; count++) {
      await life.delay((isInStep ? 1 : random.next()) * pauseMs);
      await this.#act(random.pickWeighted(acts));
    }
  }

  #act(act: Act): Promise<void> {
    switch (act) {
      case "order":
        return this.#orderAndTransfers();
      case "cancel":
        return this.#means.orderIds.length > 0 ? this.#cancel(this.#orderToCancel()) : this.#order();
      case "transfer":
        return this.#transfer();
      case "topUp":
        return this.#topUp(this.#means.random.between(1, 50) * 100);
      case "restock":
        return this.#restock();
      case "read":
        return this.#read();
      default:
        return act satisfies never;
    }
  }

  async #orderAndTransfers(): Promise<void> {
    const transfers = this.#wishes.transfersTo(homeOf(this.#id)).map((cities) => this.#transfer(...cities));
    await Promise.all([this.#order(), ...transfers]);
  }

  async #order(): Promise<void> {
    const input = this.#drawOrder();
    const answers = await this.#insist(orderRequest(input), PLACE_ORDER, input);
    const placed = answers.flatMap((answer) => (answer.kind === "result" ? (answer.result.order ?? []) : []));
    if (placed[0] && this.#happens(this.#habits.regret)) await this.#cancel(placed[0].id);
    if (!this.#happens(this.#habits.wrong)) return;
    const other = {
      ...input,
      lines: [{ ...input.lines[0]!, quantity: input.lines[0]!.quantity + this.#habits.unit }],
    };
    await this.#insist(orderRequest(other), PLACE_ORDER, other);
  }

  #drawOrder(): OrderInput {
    const { random } = this.#means;
    const { lines, total } = this.#wishes.order();
    return {
      clientId: this.#id,
      lines,
      payment: this.#happens(this.#habits.wallet) ? "WALLET" : "CASH_ON_DELIVERY",
      idempotencyKey: this.#newKey("order"),
      ...(this.#happens(0.2) && { expectedTotal: total }),
      ...(this.#happens(0.2) && { maxSplits: random.between(1, 2) }),
    };
  }

  #orderToCancel(): string {
    const { random, orderIds } = this.#means;
    if (this.#happens(0.05)) return `${random.pick(CITY_IDS)}:00000000-0000-7000-8000-000000000000`;
    return random.pick(this.#happens(this.#habits.hotOrder) ? orderIds.slice(-2) : orderIds);
  }

  async #cancel(orderId: string): Promise<void> {
    const input = { orderId, idempotencyKey: this.#newKey("cancel") };
    const request: KeyedRequest = {
      kind: "CANCELLATION",
      key: input.idempotencyKey,
      orderId,
      fits: ({ cancels }) => cancels === orderId,
    };
    await this.#insist(request, CANCEL_ORDER, input);
  }

  async #transfer(from?: string, to?: string): Promise<void> {
    const { random } = this.#means;
    const [fromCityId, toCityId] = [from ?? random.pick(CITY_IDS), to ?? random.pick(CITY_IDS)];
    const productId = this.#happens(0.05) ? UNKNOWN_PRODUCT : this.#wishes.product();
    const quantity = from ? this.#habits.unit : this.#wishes.pieces() * random.between(1, 2);
    const input = { productId, fromCityId, toCityId, quantity, idempotencyKey: this.#newKey("transfer") };
    const fits: KeyedRequest["fits"] = ({ id, transfer }) =>
      id.startsWith(`${toCityId}:`) &&
      transfer?.from === fromCityId &&
      transfer.productId === productId &&
      transfer.quantity === quantity;
    const request: KeyedRequest = { kind: "TRANSFER", key: input.idempotencyKey, fits };
    const [answer] = await this.#insist(request, TRANSFER_STOCK, input);
    if (fromCityId === toCityId && answer?.kind === "result") {
      promise(
        answer.type === "OutcomeUnknown",
        () => `a transfer within ${toCityId} was answered ${answer.type}`,
      );
    }
  }

  async #topUp(usual: number): Promise<void> {
    const { model } = this.#means;
    const input = { clientId: this.#id, amount: usual, idempotencyKey: this.#newKey("topUp") };
    for (let tries = 1; tries <= TRIES_MAX; tries++) {
      // Of another amount, under the same key.
      const amount = this.#happens(this.#habits.wrong / 4) ? input.amount + 1 : input.amount;
      const answer = await this.#ask(this.#homeOf(this.#id), TOP_UP, { input: { ...input, amount } });
      if (answer.kind === "result") {
        const added = model.topUps.get(`${this.#id} ${input.idempotencyKey}`);
        const isTrue =
          answer.type === "WalletToppedUp" ? added === amount : added !== undefined && added !== amount;
        promise(isTrue, () => `a top-up of ${amount} was answered ${answer.type}; ${added} were added`);
        if (!this.#happens(this.#habits.again)) return;
      }
      await this.#pauseBetweenTries(tries);
    }
  }

  /** Without a key nobody dares to repeat it. */
  async #restock(): Promise<void> {
    const { random, model } = this.#means;
    const cityId = random.pick(CITY_IDS);
    const delivery = {
      cityId,
      productId: this.#wishes.product(),
      quantity: this.#wishes.pieces() * random.between(1, 3),
    };
    const idempotencyKey = this.#happens(0.7) ? this.#newKey("restock") : undefined;
    for (let tries = 1; tries <= (idempotencyKey ? TRIES_MAX : 1); tries++) {
      const quantity = this.#happens(this.#habits.wrong / 4) ? delivery.quantity + 1 : delivery.quantity;
      const input = { ...delivery, quantity, idempotencyKey };
      const answer = await this.#ask(this.#hostOf(cityId), RESTOCK, { input });
      if (answer.kind === "result") {
        const added = model.restocks.get(`${cityId} ${idempotencyKey}`);
        const isTrue = answer.type === "Restocked" ? added === quantity : added !== quantity;
        promise(
          !idempotencyKey || isTrue,
          () => `a restock of ${quantity} was answered ${answer.type}; ${added} were added`,
        );
        if (!this.#happens(this.#habits.again)) return;
      }
      await this.#pauseBetweenTries(tries);
    }
  }

  /** A read shows what was so at some time between the question and the answer. */
  async #read(): Promise<void> {
    const { model, orderIds, random } = this.#means;
    const balances = model.watchWallet(this.#id);
    const wallet = await this.#ask(this.#homeOf(this.#id), READ_WALLET, { id: this.#id });
    if (wallet.kind === "result") {
      const balance = wallet.result.wallet!.balance;
      promise(
        balances().includes(balance),
        () => `the wallet of ${this.#id} shows ${balance}, which it never held`,
      );
    }
    if (orderIds.length === 0) return;
    const id = random.pick(orderIds);
    const statuses = model.watchStatus(id);
    const order = await this.#ask(this.#homeOf(id), READ_ORDER, { id });
    if (order.kind !== "result") return;
    const { status = "NONE", total = 0 } = order.result;
    const cost = model.orders.get(id)?.detail.order?.total ?? 0;
    promise(total === cost, () => `${id} shows a total of ${total}, it is ${cost}`);
    promise(statuses().includes(status), () => `${id} shows ${status}, it was ${statuses().join(", then ")}`);
  }

  /**
   * Sends a request until there is a definite answer, and perhaps once more. Returns the answers, the last
   * one last.
   */
  async #insist(request: KeyedRequest, query: string, input: object): Promise<Answer[]> {
    const answers: Answer[] = [];
    for (let tries = 1; tries <= TRIES_MAX; tries++) {
      const calls = [this.#call(request, query, input)];
      if (this.#happens(this.#habits.twice)) calls.push(this.#call(request, query, input));
      answers.push(...(await Promise.all(calls)));
      const isDefinite = answers.some(({ kind }) => kind === "result") && !answers.some(isUnknown);
      if (isDefinite && !this.#happens(this.#habits.again)) break;
      await this.#pauseBetweenTries(tries);
    }
    return answers;
  }

  async #call(request: KeyedRequest, query: string, input: object): Promise<Answer> {
    const { promises, random, orderIds } = this.#means;
    const call = promises.begin(request);
    const answer = await this.#ask(random.pick(this.#habits.orchestrators), query, { input });
    promises.end(call, answer);
    if (answer.kind === "result" && request.kind === "ORDER") {
      const id = answer.result.order?.id ?? answer.result.transactionId;
      if (id && !orderIds.includes(id)) orderIds.push(id);
    }
    return answer;
  }

  /** In a calm run everybody is up and nobody is late: whatever is asked is answered. */
  async #ask(host: string, query: string, variables: Record<string, unknown>): Promise<Answer> {
    const answer = await ask(this.#means.send, urlOf(host), query, variables);
    promise(
      !this.#means.isCalm || !isUnavailable(answer),
      () => `though nothing goes wrong, the answer is ${JSON.stringify(answer)}`,
    );
    return answer;
  }

  #pauseBetweenTries(tries: number): Promise<void> {
    return this.#means.life.delay(this.#means.random.next() * 1_000 * tries);
  }

  /**
   * Two kinds have the same keys, which must not matter, and in some runs the orders of two clients. A
   * cancellation's key is nobody's, and so is a transfer's.
   */
  #newKey(kind: Act): string {
    const count = (this.#keys.get(kind) ?? 0) + 1;
    this.#keys.set(kind, count);
    const own = `${this.#hand}-${count}`;
    return this.#habits.hasPlainKeys && (kind === "order" || kind === "topUp") ? own : `${this.#id}-${own}`;
  }

  /** An instance of the city that an id names. */
  #homeOf(id: string): string {
    return this.#hostOf(homeOf(id));
  }

  #hostOf(cityId: string): string {
    return this.#means.random.pick(this.#means.hostsOf(cityId));
  }

  #happens(chance: number): boolean {
    return this.#means.random.next() < chance;
  }
}
