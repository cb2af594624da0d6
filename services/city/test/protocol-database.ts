/**
 * A city's in-process database (PGlite) with the real SQL files, and the messages of
 * the commit protocol as functions.
 */
import type { PGlite } from "@electric-sql/pglite";
import { expect } from "vitest";
import { giveBack, takeCityPGlite } from "./city-pglite.ts";
import { brokenInvariants } from "./invariants.ts";

export const NOW = "2026-01-01T00:00:00.000Z";
export const DEADLINE = "2026-01-01T00:00:10.000Z";

/** The answer to a message. Its fields depend on the message. */
export interface Answer {
  transactionId: string;
  state: string;
  committedId?: string;
  balance?: number;
  lines?: object[];
  shortages?: object[];
  participants?: { cityId: string; lines: object[] }[];
}

export interface Level {
  on_hand: number;
  reserved: number;
}

export interface ProtocolDatabase {
  db: PGlite;
  /** Resets the database: two clients, 8 pieces of product 101 and 2 of product 102. */
  reset(): Promise<void>;
  prepare(...entries: object[]): Promise<Answer[]>;
  decide(...entries: object[]): Promise<Answer[]>;
  commitOrders(...entries: object[]): Promise<Answer[]>;
  commitCancellations(...entries: object[]): Promise<Answer[]>;
  commitTransfers(...entries: object[]): Promise<Answer[]>;
  outcome(...entries: object[]): Promise<Answer[]>;
  topUp(clientId: string, amount: number, key: string): Promise<{ state: string; balance?: number }>;
  /** Undefined for a product that the city has never had. */
  level(productId: string): Promise<Level | undefined>;
  /** Undefined for a client without a wallet. */
  balance(clientId: string): Promise<number | undefined>;
  /** The rows of a query. */
  rows<Row = object>(text: string): Promise<Row[]>;
  /** Fails the test if an invariant is broken. */
  expectSound(): Promise<void>;
  close(): void;
}

/** The tests' limit for balances. */
export const BALANCE_MAX = 1_000_000;

export async function openProtocolDatabase(cityId = "dakar"): Promise<ProtocolDatabase> {
  const db = await takeCityPGlite(cityId);
  await db.exec("select empty_city()");
  await db.query("select set_fragment($1, false, array[$1], '{elsewhere}')", [cityId]);

  const rows = async <Row>(text: string, values: unknown[] = []) => (await db.query<Row>(text, values)).rows;
  const answers = (call: string) => async (entries: object[]) =>
    rows<Answer>(call, [JSON.stringify(entries)]);
  const commits = (call: string) => async (entries: object[]) =>
    (
      await rows<{ answer: Answer }>(
        `select jsonb_build_object('transactionId', transaction_id) || (answer - 'isNew') as answer from ${call}`,
        [JSON.stringify(entries)],
      )
    ).map(({ answer }) => answer);
  const prepare = answers(
    `select transaction_id as "transactionId", state, shortages from prepare_transactions($1, '${NOW}')`,
  );
  const decide = answers(
    `select transaction_id as "transactionId", state from decide_transactions($1, '${NOW}')`,
  );
  const outcome = answers(
    `select transaction_id as "transactionId", state, lines from transaction_outcomes($1, '${NOW}')`,
  );
  const commitOrders = commits(`commit_orders($1, '${NOW}', '${DEADLINE}')`);
  const commitCancellations = commits(`commit_cancellations($1, '${NOW}', '${DEADLINE}')`);
  const commitTransfers = commits(`commit_transfers($1, 'Warehouse', '${NOW}', '${DEADLINE}')`);

  return {
    db,
    reset: () => reset(db, cityId),
    prepare: (...entries) =>
      prepare(entries.map((entry) => ({ kind: "ORDER", deadline: DEADLINE, ...entry }))),
    decide: (...entries) => decide(entries.map((entry) => ({ kind: "ORDER", lines: [], ...entry }))),
    commitOrders: (...entries) => commitOrders(entries),
    commitCancellations: (...entries) => commitCancellations(entries),
    commitTransfers: (...entries) => commitTransfers(entries),
    outcome: (...entries) => outcome(entries),
    topUp: async (clientId, amount, key) =>
      (
        await rows<{ answer: { state: string; balance?: number } }>(
          `select top_up_wallet($1, $2, $3, ${BALANCE_MAX}, '${NOW}') as answer`,
          [clientId, amount, key],
        )
      )[0]!.answer,
    level: async (productId) =>
      (await rows<Level>("select on_hand, reserved from stock where product_id = $1", [productId]))[0],
    balance: async (clientId) =>
      (
        await rows<{ balance: number }>(
          "select balance::float8 as balance from wallet where client_id = $1",
          [clientId],
        )
      )[0]?.balance,
    rows: (text) => rows(text),
    expectSound: async () => expect(await brokenInvariants((text) => rows(text))).toEqual({}),
    close: () => giveBack(cityId, db),
  };
}

/** Empties the database and adds two clients and two stock levels with their movements. */
async function reset(db: PGlite, cityId: string): Promise<void> {
  await db.exec(`
    select empty_city();
    insert into client (id, name, email, town) values
      ('${cityId}:1', 'Mamadou Ndiaye', 'mndiaye@example.com', '${cityId}'),
      ('${cityId}:2', 'Awa Diop', 'adiop@example.com', '${cityId}');
    insert into stock (product_id, warehouse, on_hand) values ('101', 'Warehouse', 8), ('102', 'Warehouse', 2);
    insert into stock_movement (product_id, reason, on_hand_change, reserved_change)
    select product_id, 'RESTOCKED', on_hand, 0 from stock;`);
}

/** The id of a transaction of a home, begun at a time. */
export function idOf(home: string, number: number, timeMs = 0): string {
  const time = timeMs.toString(16).padStart(12, "0");
  return `${home}:${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${String(number).padStart(12, "0")}`;
}

export const line = (productId: string, quantity: number) => ({ productId, quantity });

export const states = (answers: readonly { state: string }[]) => answers.map(({ state }) => state);

/** An order of dakar:1 for five pieces at 100, of which Thiès gives two. */
export function orderOf(transactionId: string, changes: object = {}) {
  return {
    transactionId,
    clientId: "dakar:1",
    idempotencyKey: "key",
    requestHash: "hash",
    paymentMethod: "CASH_ON_DELIVERY",
    lines: [{ productId: "101", quantity: 5, unitPrice: 100 }],
    allocations: [
      { cityId: "dakar", productId: "101", quantity: 3 },
      { cityId: "thies", productId: "101", quantity: 2 },
    ],
    ...changes,
  };
}

/** An order whose pieces all come from Dakar. */
export function smallOrder(transactionId: string, quantity: number, unitPrice: number, changes: object = {}) {
  return orderOf(transactionId, {
    idempotencyKey: `key of ${transactionId}`,
    lines: [{ productId: "101", quantity, unitPrice }],
    allocations: [{ cityId: "dakar", productId: "101", quantity }],
    ...changes,
  });
}

export function cancellationOf(transactionId: string, orderId: string, changes: object = {}) {
  return { transactionId, orderId, idempotencyKey: "key", requestHash: "cancel hash", ...changes };
}

/** A transfer of four pieces from Thiès. */
export function transferOf(transactionId: string, changes: object = {}) {
  return {
    transactionId,
    productId: "101",
    fromCityId: "thies",
    quantity: 4,
    idempotencyKey: "key",
    requestHash: "transfer hash",
    ...changes,
  };
}
