/**
 * One city with a mobile-money company, for tests of orders paid by mobile money: the real commit point, real
 * recovery, a real provider. Every test ends with a check that the money adds up: the provider has taken
 * exactly the cost of the placed orders.
 */
import type { HttpProvider } from "@teranga/city/payments/http-provider.ts";
import type { PaymentProvider } from "@teranga/city/payments/payment-provider.ts";
import { createPayments, type Payments } from "@teranga/city/payments/payments.ts";
import { openTestCity, type TestCity } from "@teranga/city/payments/test-city.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import { createCommitProtocol } from "@teranga/protocol/city/commit-protocol.ts";
import type { OrderCommit } from "@teranga/protocol/messages.ts";
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject } from "vitest";
import { setClock } from "../../services/city/test/set-clock.ts";
import { FaultyCompany } from "./faulty-company.ts";

export const CLIENTS = ["dakar:1", "dakar:2", "dakar:3"];
export const PRICE = 500;
/** Each client's initial balance at the company. */
export const GIVEN = 10_000;
/** Longer than the lease of an undecided payment and than every wait between two tries. */
export const LONG_MS = 60_000;
/** Longer than a busy machine takes to answer. */
export const DEADLINE_MS = 10_000;
const START_MS = Date.parse("2026-01-01T00:00:00Z");
/** The number of recovery steps after which everything that can be settled must be settled. */
const STEPS_MAX = 20;

export class Shop {
  company!: FaultyCompany;
  city!: TestCity;
  provider!: HttpProvider;
  payments!: Payments;
  nowMs = START_MS;
  alarms = 0;
  /** The SQL statements of the city. */
  readonly statements: string[] = [];
  #lastNumber = 0;

  get clock() {
    return setClock(() => this.nowMs);
  }

  get protocol() {
    return createCommitProtocol(this.city.sql);
  }

  async empty(): Promise<void> {
    await this.city.sql.unsafe(`
      truncate client, stock, transaction_decision, wallet_hold cascade;
      insert into client (id, name, email, phone, town)
        select 'dakar:' || n, 'n', n || '@example.org', '+22177' || lpad(n::text, 7, '0'), 'Dakar' from generate_series(1, ${CLIENTS.length}) n;
      insert into stock (product_id, warehouse, on_hand) values ('101', 'Dakar', 1000);
      insert into stock_movement (product_id, reason, on_hand_change, reserved_change) values ('101', 'RESTOCKED', 1000, 0);`);
    this.company = await FaultyCompany.open();
    for (const clientId of CLIENTS) this.company.giveMoney(clientId, GIVEN);
    this.alarms = 0;
    this.restart();
  }

  /**
   * Replaces the payments by those of a new process of the city, as after a crash.
   * @param deadlineMs how long the provider may take
   * @param around wraps the provider
   */
  restart(
    deadlineMs = DEADLINE_MS,
    around: (provider: PaymentProvider) => PaymentProvider = (provider) => provider,
  ): void {
    const log = createLogger("test", process.env.TEST_LOG_LEVEL ?? "silent");
    const metrics = { alarmed: () => this.alarms++ } as never;
    const { city, protocol, clock } = this;
    const means = { id: "dakar", sql: city.sql, protocol, clock, log, metrics };
    const deadlines = { authoriseMs: deadlineMs, releaseMs: deadlineMs, settleMs: deadlineMs };
    this.provider = this.company.provider();
    this.payments = createPayments(means, [around(this.provider)], deadlines);
  }

  newOrder(changes: Partial<OrderCommit> = {}): OrderCommit {
    const number = ++this.#lastNumber;
    return {
      transactionId: `dakar:00000000-0000-7000-8000-${String(number).padStart(12, "0")}`,
      clientId: "dakar:1",
      idempotencyKey: `key ${number}`,
      requestHash: "hash",
      paymentMethod: "MOBILE_MONEY",
      lines: [{ productId: "101", quantity: 1, unitPrice: PRICE }],
      allocations: [{ cityId: "dakar", productId: "101", quantity: 1 }],
      ...changes,
    };
  }

  /** Does what the message commitOrders does. Returns the states that it answers. */
  async commit(...orders: OrderCommit[]): Promise<string[]> {
    await this.payments.authorise(orders);
    const answers = await this.protocol.commitOrders(orders, this.clock);
    await this.payments.release(orders, answers);
    return answers.map(({ state }) => state);
  }

  async cancel({ transactionId: orderId }: OrderCommit): Promise<string> {
    const { transactionId, idempotencyKey } = this.newOrder();
    const cancellation = { transactionId, orderId, idempotencyKey, requestHash: "hash" };
    const [answer] = await this.protocol.commitCancellations([cancellation], this.clock);
    return answer!.state;
  }

  async stateOf({ transactionId }: OrderCommit): Promise<string | undefined> {
    const [row] = await this.city.sql`select state from payment where transaction_id = ${transactionId}`;
    return row?.state;
  }

  /** Runs one step of recovery. */
  settle(): Promise<boolean> {
    return this.payments.settlers.find(({ method }) => method === "MOBILE_MONEY")!.settle();
  }

  /** Runs recovery, with each step long after the one before, until no provider is left to be told. */
  async untilSettled(): Promise<void> {
    this.company.heal();
    this.restart();
    for (let step = 0; step < STEPS_MAX; step++) {
      this.nowMs += LONG_MS;
      const [row] = await this.city
        .sql`select count(*)::int as open from payment where next_attempt_at is not null`;
      if (row!.open === 0) return;
      await this.settle();
    }
    throw new Error(`payments are open after ${STEPS_MAX} steps`);
  }

  /** Checks that nothing is held, and that each client has paid exactly the cost of the placed orders. */
  async expectMoneyAddsUp(): Promise<void> {
    const rows = await this.city.sql`
      select client.id, coalesce(sum(total), 0)::int as cost from client left join orders
        on client_id = client.id and status = 'PLACED' and payment_method = 'MOBILE_MONEY'
      group by client.id`;
    for (const { id, cost } of rows)
      expect({ id, ...this.company.moneyOf(id) }).toEqual({ id, free: GIVEN - cost, held: 0, taken: cost });
  }
}

/**
 * The shop of a test file, emptied before each test. After each test everything is settled, the money adds
 * up, and no alarm was raised.
 */
export function useShop(databaseName: string): Shop {
  const shop = new Shop();
  beforeAll(async () => {
    shop.city = await openTestCity(databaseName, inject("postgresUrl"), (text) => shop.statements.push(text));
  });
  afterAll(() => shop.city.close());
  beforeEach(() => shop.empty());
  afterEach(async () => {
    await shop.untilSettled();
    await shop.expectMoneyAddsUp();
    expect(shop.alarms).toBe(0);
    await shop.company.close();
  });
  return shop;
}
