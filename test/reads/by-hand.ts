/** Prices that change past the services, as a person with psql changes them. */
import { setTimeout as delay } from "node:timers/promises";
import { type Database, openDatabase } from "@teranga/kit/postgres/database.ts";
import type { Random } from "../harness/random.ts";
import { mayWrite, retire, type Workload } from "./client.ts";
import { nameOf } from "./registers.ts";
import { BY_HAND, type ReplicatedServer } from "./replicated-server.ts";

const EVERY_MS = { least: 1, most: 200 };
/** So often all prices change at once: then all that is kept is outdated, and read anew. */
const SHARE_OF_ALL = 0.1;
const TURN_MS = { least: 1_000, most: 6_000 };

export class ByHand {
  readonly #work: Workload;
  readonly #catalog: ReplicatedServer;
  #open: { url: string; database: Database } | undefined;

  constructor(work: Workload, catalog: ReplicatedServer) {
    this.#work = work;
    this.#catalog = catalog;
  }

  /** Raises those prices that nobody writes at the moment, in one transaction. */
  async raise(productIds: readonly string[]): Promise<void> {
    const { promises, beingWritten, nowMs, count } = this.#work;
    const prices = productIds.flatMap((id) => {
      const name = nameOf({ kind: "price", productId: id });
      return mayWrite(this.#work, name) ? [{ id, name, price: promises.attempts(name) }] : [];
    });
    for (const { name } of prices) beingWritten.add(name);
    try {
      const { sql } = await this.#database();
      const ids = prices.map(({ id }) => id);
      const values = prices.map(({ price }) => price);
      await sql`update product set price = raised.price
        from unnest(${ids}::text[], ${values}::bigint[]) as raised(id, price) where product.id = raised.id`;
      for (const { name, price } of prices) promises.acknowledged(name, price, nowMs());
      count("written by hand");
    } catch {
      for (const { name } of prices) retire(this.#work, name);
      count("write by hand failed");
    } finally {
      for (const { name } of prices) beingWritten.delete(name);
    }
  }

  raiseAll(): Promise<void> {
    return this.raise(this.#work.productIds);
  }

  /** Raises prices now and then. */
  async raiseUntil(isOver: () => boolean, random: Random): Promise<void> {
    while (!isOver()) {
      await delay(random.between(EVERY_MS.least, EVERY_MS.most));
      const isAll = random.next() < SHARE_OF_ALL;
      await (isAll ? this.raiseAll() : this.raise([random.pick(this.#work.productIds)]));
    }
  }

  async close(): Promise<void> {
    await this.#open?.database.close();
  }

  /** Of the primary, whoever that is. */
  async #database(): Promise<Database> {
    const url = this.#catalog.urlOf(this.#catalog.primary);
    if (this.#open?.url === url) return this.#open.database;
    const old = this.#open?.database;
    this.#open = { url, database: openDatabase({ url, applicationName: BY_HAND, connections: 2 }) };
    await old?.close();
    return this.#open.database;
  }
}

/**
 * Prices change by hand only at times. A gateway drops what it keeps of a place when it writes there, so
 * nothing is kept for long while clients write.
 */
export async function takeTurns(isOver: () => boolean, work: Workload, random: Random): Promise<void> {
  while (!isOver()) {
    work.isByHandOnly = !work.isByHandOnly;
    await delay(random.between(TURN_MS.least, TURN_MS.most));
  }
}
