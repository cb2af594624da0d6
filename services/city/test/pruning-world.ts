/**
 * A real PostgreSQL database of Dakar for the tests of pruning: a hundred pieces of a product, a client, and
 * a clock that tests set. Each test ends with the invariants.
 */
import { type Database, openDatabase } from "@teranga/kit/postgres/database.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import { Registry } from "@teranga/kit/process/metrics.ts";
import { partitionsOf } from "@teranga/kit/topology/topology.ts";
import { createCommitProtocol } from "@teranga/protocol/city/commit-protocol.ts";
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject } from "vitest";
import { prepareCityDatabase } from "../src/database.ts";
import { createCityMetrics } from "../src/metrics.ts";
import { onServer, topologyOf } from "./city-over-wire.ts";
import { brokenInvariants } from "./invariants.ts";
import { idOf, line, smallOrder } from "./protocol-database.ts";
import { setClock } from "./set-clock.ts";

export const DAY_MS = 86_400_000;
export const KEPT_MS = 30 * DAY_MS;
export const START_MS = Date.UTC(2026, 0, 1);

const CITY_HOME = "dakar";

class PruningWorld {
  readonly registry = new Registry();
  readonly metrics = createCityMetrics(this.registry);
  nowMs = START_MS;
  /** The number of database transactions that were run again. */
  lost = 0;
  readonly clock = setClock(() => this.nowMs);
  readonly #name: string;
  #database: Database | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  get sql() {
    return this.#database!.sql;
  }

  async open(): Promise<void> {
    await onServer((server) => server`create database ${server(this.#name)}`);
    const url = inject("postgresUrl").replace(/\/postgres$/, `/${this.#name}`);
    this.#database = openDatabase({ url, applicationName: "test", onLostTransaction: () => this.lost++ });
    await prepareCityDatabase(this.sql, CITY_HOME, partitionsOf(topologyOf(), "city"));
  }

  async close(): Promise<void> {
    await this.#database?.close();
    await onServer((server) => server`drop database ${server(this.#name)}`);
  }

  async reset(): Promise<void> {
    this.nowMs = START_MS;
    this.lost = 0;
    await this.sql`truncate client, stock, transaction_decision, participation, horizon cascade`;
    await this
      .sql`insert into client (id, name, email, town) values ('dakar:1', 'n', 'e@example.com', 'dakar')`;
    await this.sql`insert into stock (product_id, warehouse, on_hand) values ('101', 'w', 100)`;
    await this.sql`
      insert into stock_movement (product_id, reason, on_hand_change, reserved_change) values ('101', 'RESTOCKED', 100, 0)`;
  }

  city = () => ({
    sql: this.sql,
    clock: this.clock,
    metrics: this.metrics,
    log: createLogger("test", "silent"),
  });
  daysLater = (days: number) => {
    this.nowMs = START_MS + days * DAY_MS;
  };
  /** The id of an order of this moment, with this city as its home or with another. */
  own = (number: number) => idOf(CITY_HOME, number, this.nowMs);
  foreign = (number: number) => idOf("thies", number, this.nowMs);
  prepare = (transactionId: string, quantity = 1) =>
    createCommitProtocol(this.sql).prepare(
      [{ transactionId, kind: "ORDER", leaseMs: 10_000, lines: [line("101", quantity)] }],
      this.clock,
    );
  abort = (...transactionIds: string[]) =>
    createCommitProtocol(this.sql).decide(
      transactionIds.map((transactionId) => ({
        transactionId,
        kind: "ORDER",
        decision: "ABORTED",
        lines: [],
      })),
      this.clock,
    );
  commit = (transactionId: string, changes: object = {}) =>
    createCommitProtocol(this.sql).commitOrders(
      [smallOrder(transactionId, 1, 1, changes) as never],
      this.clock,
    );
  fence = (transactionId: string) =>
    createCommitProtocol(this.sql).outcome([{ transactionId, cityId: "thies" }], this.clock);
  counts = async () => {
    const [row] = await this.sql`
      select (select count(*)::int from transaction_decision) as decisions, (select count(*)::int from participation) as participations,
             (select count(*)::int from reservation) as reservations, (select count(*)::int from payment) as payments`;
    return row;
  };
  /** Adds today's aborted transactions, by the thousand. */
  abortMany = async (count: number) => {
    const ids = (home: string) =>
      Array.from({ length: count }, (_, index) => idOf(home, 1_000 + index, this.nowMs));
    const now = new Date(this.nowMs);
    await this.sql`
      insert into transaction_decision (transaction_id, kind, state, answer, decided_at)
      select id, 'ORDER', 'ABORTED', '{"state": "REFUSED"}', ${now} from unnest(${ids("dakar")}::text[]) id`;
    await this.sql`
      insert into participation (transaction_id, kind, state, created_at, decided_at, next_attempt_at)
      select id, 'ORDER', 'ABORTED', ${now}, ${now}, ${now} from unnest(${ids("thies")}::text[]) id`;
  };
}

/**
 * Registers the hooks of a test file.
 * @param name of the database
 */
export function usePruningWorld(name: string): PruningWorld {
  const world = new PruningWorld(name);
  beforeAll(() => world.open());
  afterAll(() => world.close());
  beforeEach(() => world.reset());
  afterEach(async () => {
    expect(await brokenInvariants((text) => world.sql.unsafe(text))).toEqual({});
  });
  return world;
}
