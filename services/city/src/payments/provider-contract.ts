/**
 * The contract suite that every payment provider must pass. It tests every cell of the table in
 * payment-provider.ts, then random messages in random order against that table, then many messages at once.
 * After each test every client's money must add up.
 */
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { AuthoriseAnswer, PaymentProvider, PaymentRequest, SettleAnswer } from "./payment-provider.ts";
import { MESSAGES, type Message, type State, TABLE, WAYS } from "./provider-table.ts";
import { phoneOf } from "./test-city.ts";

/** How a client's money is divided. */
export interface Money {
  free: number;
  held: number;
  taken: number;
}

/** A provider, and what the tests need around it. */
export interface ContractSubject {
  provider: PaymentProvider;
  /** A new client, without money. */
  newClient(): Promise<string>;
  giveMoney(clientId: string, amount: number): Promise<void>;
  moneyOf(clientId: string): Promise<Money>;
  newTransactionId(): string;
  /**
   * The shop places or cancels the order. It does so before it tells the
   * provider. A second call does nothing.
   */
  placeOrder(request: PaymentRequest): Promise<void>;
  cancelOrder(transactionId: string): Promise<void>;
  close(): Promise<void>;
}

const BALANCE = 1_000;
const PRICE = 300;
const AMOUNTS = [300, 400, 500];
const SEED = 20_260_101;

/** Declares the tests; `start` is called once. */
export function testProviderContract(start: () => Promise<ContractSubject>): void {
  const bench = new Bench();
  beforeAll(async () => {
    bench.subject = await start();
  });
  afterAll(() => bench.subject.close());
  afterEach(() => bench.expectMoneyAddsUp());
  testCells(bench);
  testMoney(bench);
  testManyAtOnce(bench);
  testRandomOrder(bench);
}

/** The subject, and the money that each client of a test was given. */
class Bench {
  subject!: ContractSubject;
  readonly #given = new Map<string, number>();

  async clientWith(amount: number): Promise<string> {
    const clientId = await this.subject.newClient();
    await this.give(clientId, amount);
    return clientId;
  }

  async give(clientId: string, amount: number): Promise<void> {
    if (amount > 0) await this.subject.giveMoney(clientId, amount);
    this.#given.set(clientId, (this.#given.get(clientId) ?? 0) + amount);
  }

  requestOf(clientId: string, amount = PRICE): PaymentRequest {
    return { transactionId: this.subject.newTransactionId(), clientId, amount, phone: phoneOf(clientId) };
  }

  async tell(message: Message, request: PaymentRequest): Promise<AuthoriseAnswer | SettleAnswer> {
    const { provider } = this.subject;
    if (message === "authorise") return provider.authorise(request);
    if (message === "capture" || message === "refund") await this.subject.placeOrder(request);
    if (message === "refund") await this.subject.cancelOrder(request.transactionId);
    return provider[message](request.transactionId);
  }

  /** Conservation: all money is free, held or taken. */
  async expectMoneyAddsUp(): Promise<void> {
    for (const [clientId, given] of this.#given) {
      const { free, held, taken } = await this.subject.moneyOf(clientId);
      expect({ clientId, sum: free + held + taken }).toEqual({ clientId, sum: given });
      expect(Math.min(free, held, taken)).toBeGreaterThanOrEqual(0);
    }
    this.#given.clear();
  }
}

/** The division of a client's money. The client had `balance` and asked for one payment. */
function moneyIn(state: State, balance: number, amount: number): Money {
  const held = state === "AUTHORISED" ? amount : 0;
  const taken = state === "CAPTURED" ? amount : 0;
  return { free: balance - held - taken, held, taken };
}

function testCells(bench: Bench): void {
  const cells = WAYS.flatMap(([name, state, way]) =>
    MESSAGES.map((message) => [message, name, state, way] as const),
  );
  test.each(cells)("%s of what is %s, sent twice", async (message, _name, state, way) => {
    const balance = state === "DECLINED" ? PRICE - 1 : BALANCE;
    const clientId = await bench.clientWith(balance);
    const request = bench.requestOf(clientId);
    for (const step of way) await bench.tell(step, request);
    expect(await bench.subject.moneyOf(clientId)).toEqual(moneyIn(state, balance, PRICE));

    const [answer, next] = TABLE[state][message];
    expect(await bench.tell(message, request)).toBe(answer);
    expect(await bench.subject.moneyOf(clientId)).toEqual(moneyIn(next, balance, PRICE));
    const [again, end] = TABLE[next][message];
    expect(await bench.tell(message, request)).toBe(again);
    expect(await bench.subject.moneyOf(clientId)).toEqual(moneyIn(end, balance, PRICE));
  });
}

function testMoney(bench: Bench): void {
  test("authorises to the last franc, and not one more", async () => {
    const clientId = await bench.clientWith(PRICE);
    const { provider } = bench.subject;
    expect(await provider.authorise(bench.requestOf(clientId, PRICE + 1))).toBe("DECLINED");
    expect(await provider.authorise(bench.requestOf(clientId))).toBe("AUTHORISED");
    expect(await provider.authorise(bench.requestOf(clientId, 1))).toBe("DECLINED");
  });

  test("remembers that it declined, even when money has come", async () => {
    const clientId = await bench.clientWith(0);
    const request = bench.requestOf(clientId);
    expect(await bench.tell("authorise", request)).toBe("DECLINED");
    await bench.give(clientId, BALANCE);
    expect(await bench.tell("authorise", request)).toBe("DECLINED");
    expect(await bench.tell("authorise", bench.requestOf(clientId))).toBe("AUTHORISED");
  });

  test.each(["AUTHORISED", "CAPTURED", "DECLINED"] as const)(
    "takes another client or amount under the id of what is %s for a violation",
    async (state) => {
      const clientId = await bench.clientWith(state === "DECLINED" ? 0 : BALANCE);
      const request = bench.requestOf(clientId);
      await bench.tell("authorise", request);
      if (state === "CAPTURED") await bench.tell("capture", request);
      const before = await bench.subject.moneyOf(clientId);
      const other = await bench.clientWith(BALANCE);
      expect(await bench.tell("authorise", { ...request, amount: PRICE - 1 })).toBe("VIOLATION");
      const asOther = { ...request, clientId: other, phone: phoneOf(other) };
      expect(await bench.tell("authorise", asOther)).toBe("VIOLATION");
      expect(await bench.subject.moneyOf(clientId)).toEqual(before);
      expect(await bench.subject.moneyOf(other)).toEqual({ free: BALANCE, held: 0, taken: 0 });
    },
  );

  test("what is released or given back can be spent again", async () => {
    const clientId = await bench.clientWith(PRICE);
    for (const way of [["void"], ["refund"], ["capture", "refund"]] as const) {
      const request = bench.requestOf(clientId);
      expect(await bench.tell("authorise", request)).toBe("AUTHORISED");
      for (const message of way) expect(await bench.tell(message, request)).toBe("DONE");
    }
    expect(await bench.tell("authorise", bench.requestOf(clientId))).toBe("AUTHORISED");
  });
}

function testManyAtOnce(bench: Bench): void {
  test("a message that comes many times at once counts once", async () => {
    const clientId = await bench.clientWith(BALANCE);
    const request = bench.requestOf(clientId);
    for (const [message, state] of [
      ["authorise", "AUTHORISED"],
      ["capture", "CAPTURED"],
      ["refund", "REFUNDED"],
    ] as const) {
      // The order was placed and cancelled once before.
      if (message !== "authorise") await bench.subject.placeOrder(request);
      if (message === "refund") await bench.subject.cancelOrder(request.transactionId);
      const answers = await Promise.all(Array.from({ length: 8 }, () => bench.tell(message, request)));
      expect(new Set(answers)).toEqual(new Set([message === "authorise" ? "AUTHORISED" : "DONE"]));
      expect(await bench.subject.moneyOf(clientId)).toEqual(moneyIn(state, BALANCE, PRICE));
    }
  });

  test("many payments at once are authorised as far as the money goes", async () => {
    const clientId = await bench.clientWith(BALANCE);
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => bench.tell("authorise", bench.requestOf(clientId))),
    );
    expect(answers.filter((answer) => answer === "AUTHORISED")).toHaveLength(Math.floor(BALANCE / PRICE));
    expect((await bench.subject.moneyOf(clientId)).held).toBe(Math.floor(BALANCE / PRICE) * PRICE);
  });

  test("authorise and void at once end with nothing held", async () => {
    const clientId = await bench.clientWith(BALANCE);
    const requests = Array.from({ length: 10 }, () => bench.requestOf(clientId, 10));
    await Promise.all(
      requests.flatMap((request) => [bench.tell("authorise", request), bench.tell("void", request)]),
    );
    expect(await bench.subject.moneyOf(clientId)).toEqual({ free: BALANCE, held: 0, taken: 0 });
  });

  test("capture and refund at once end with the money given back", async () => {
    const clientId = await bench.clientWith(BALANCE);
    const requests = Array.from({ length: 10 }, () => bench.requestOf(clientId, 10));
    for (const request of requests) {
      expect(await bench.tell("authorise", request)).toBe("AUTHORISED");
      await bench.subject.placeOrder(request);
      await bench.subject.cancelOrder(request.transactionId);
    }
    const { provider } = bench.subject;
    const answers = await Promise.all(
      requests.flatMap(({ transactionId }) => [
        provider.capture(transactionId),
        provider.refund(transactionId),
      ]),
    );
    expect(new Set(answers)).toEqual(new Set(["DONE"]));
    expect(await bench.subject.moneyOf(clientId)).toEqual({ free: BALANCE, held: 0, taken: 0 });
  });
}

/** Sends messages for three payments that together cost more than the client has. */
function testRandomOrder(bench: Bench): void {
  const sent = fc.record({ payment: fc.nat(AMOUNTS.length - 1), message: fc.constantFrom(...MESSAGES) });
  test(`messages in any order are answered as the table says (seed ${SEED})`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(sent, { maxLength: 12 }), async (messages) => {
        const clientId = await bench.clientWith(BALANCE);
        const payments = AMOUNTS.map((amount) => ({
          request: bench.requestOf(clientId, amount),
          state: "NOTHING" as State,
        }));
        const inState = (wanted: State) =>
          payments.reduce((sum, { request, state }) => sum + (state === wanted ? request.amount : 0), 0);
        for (const { payment, message } of messages) {
          const { request, state } = payments[payment]!;
          const free = BALANCE - inState("AUTHORISED") - inState("CAPTURED");
          const isPoor = state === "NOTHING" && message === "authorise" && free < request.amount;
          const [answer, next] = TABLE[isPoor ? "DECLINED" : state][message];
          expect(await bench.tell(message, request)).toBe(answer);
          payments[payment]!.state = next;
        }
        const { held, taken } = await bench.subject.moneyOf(clientId);
        expect({ held, taken }).toEqual({ held: inState("AUTHORISED"), taken: inState("CAPTURED") });
      }),
      { seed: SEED, numRuns: 40 },
    );
  });
}
