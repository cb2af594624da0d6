/**
 * Goal: a city's SQL files can change while its instances work. Method: a real
 * server, with commits under way.
 */
import { appendFile, cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Database, openDatabase, type Sql } from "@teranga/kit/postgres/database.ts";
import { migrate } from "@teranga/kit/postgres/migrate.ts";
import { partitionsOf } from "@teranga/kit/topology/topology.ts";
import { cityClock } from "@teranga/protocol/city/city-clock.ts";
import { createCommitProtocol } from "@teranga/protocol/city/commit-protocol.ts";
import { CITY_FILES } from "@teranga/protocol/city/sql-files.ts";
import type { OrderCommit } from "@teranga/protocol/messages.ts";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { onServer, topologyOf } from "../test/city-over-wire.ts";
import { brokenInvariants } from "../test/invariants.ts";
import { idOf, smallOrder } from "../test/protocol-database.ts";
import { prepareCityDatabase } from "./database.ts";

const NAME = "city_migrations";
const NOW = "2026-01-01T00:00:00.000Z";

let database: Database;
let sql: Sql;
/** How often PostgreSQL has ended a transaction to break a deadlock. */
let lost = 0;
let directory: string;
/** The city's files as a later version has them. */
let later: typeof CITY_FILES & { functions: string };

beforeAll(async () => {
  await onServer((server) => server`create database ${server(NAME)}`);
  const url = inject("postgresUrl").replace(/\/postgres$/, `/${NAME}`);
  const onLostTransaction = () => lost++;
  database = openDatabase({ url, applicationName: "test", connections: 4, onLostTransaction });
  sql = database.sql;
  directory = await mkdtemp(join(tmpdir(), "teranga-city-"));
  later = {
    ...CITY_FILES,
    migrations: join(directory, "migrations"),
    functions: join(directory, "functions"),
  };
  await cp(CITY_FILES.migrations, later.migrations, { recursive: true });
  await cp(CITY_FILES.functions!, later.functions, { recursive: true });
  await prepareCityDatabase(sql, "dakar", partitionsOf(topologyOf(), "city"));
  await sql`insert into client (id, name, email, town) values ('dakar:1', 'Awa', 'awa@example.com', 'Dakar')`;
  await sql`insert into stock (product_id, warehouse, on_hand) values ('101', 'Warehouse', 1000)`;
  await sql`
    insert into stock_movement (product_id, reason, on_hand_change, reserved_change)
    values ('101', 'RESTOCKED', 1000, 0)`;
});
afterAll(async () => {
  await database.close();
  await onServer((server) => server`drop database ${server(NAME)}`);
  await rm(directory, { recursive: true });
});

test("each function is of a file, and none is only declared", async () => {
  const functions = await sql`
    select oid::regprocedure::text as signature from pg_proc function
    where pronamespace = 'public'::regnamespace and (prosrc = 'begin end' or not exists (
      select from function_of_file where signature = oid::regprocedure::text and file is not null
    )) and not exists (select from pg_depend where objid = function.oid and deptype = 'e')`;
  expect(functions).toEqual([{ signature: "normalise(text)" }]);
});

test("no default of a time is rounded to the millisecond, which may be later than now", async () => {
  const rounded = await sql`
    select table_name || '.' || column_name as column from information_schema.columns
    where table_schema = 'public' and column_default = 'now()'`;
  expect(rounded).toEqual([]);
});

test("orders are committed while functions are created anew, over and over", async () => {
  let isWorking = true;
  const commit = async (number: number) => {
    const order = smallOrder(idOf("dakar", number), 1, 1, {
      clientId: "dakar:1",
      idempotencyKey: `key ${number}`,
    });
    const [answer] = await createCommitProtocol(sql).commitOrders([order as OrderCommit], cityClock);
    return answer!.state;
  };
  const commitAll = async (first: number) => {
    const states: string[] = [];
    for (let number = first; number < first + 40; number++) states.push(await commit(number));
    return states;
  };
  const commits = await Promise.all(
    ["3-home.sql", "4-orders.sql", "5-transfers.sql"].map(async (file) => ({
      file,
      script: await readFile(join(CITY_FILES.functions!, file), "utf8"),
    })),
  );
  const changing = (async () => {
    for (let version = 1; isWorking; version++) {
      for (const file of ["1-shared.sql", "8-rules.sql"])
        await appendFile(join(later.functions, file), `-- ${version}\n`);
      // With another name of a parameter a function is dropped and created.
      for (const { file, script } of commits)
        await writeFile(join(later.functions, file), script.replaceAll("tell_at", `tell_at_${version}`));
      await migrate(sql, later);
    }
  })();
  const states = await Promise.all([commitAll(100), commitAll(200)]);
  isWorking = false;
  await changing;
  expect(new Set(states.flat())).toEqual(new Set(["COMMITTED"]));
  expect(await brokenInvariants((text) => sql.unsafe(text))).toEqual({});
});

test("a commit that an instance of the version before has begun ends, and then a migration runs", async () => {
  await writeFile(
    join(later.migrations, "999.do.change.sql"),
    `alter table transaction_decision add column changed boolean; alter table stock_movement add column changed boolean;
     alter table stock add column changed boolean; alter table client add column changed boolean;
     alter table fragment add column changed boolean;`,
  );
  const lostBefore = lost;
  let migrated: Promise<void> | undefined;
  await sql.begin(async (running) => {
    // The order of its locks, from the first to the last.
    await running`select city_id from fragment`;
    await running`select from client where id = 'dakar:1' for no key update`;
    migrated = migrate(sql, later);
    migrated.catch(() => {});
    await untilSomebodyWaits();
    await running`select from stock where product_id = '101' for no key update`;
    await running`
      insert into stock_movement (product_id, reason, on_hand_change, reserved_change) values ('101', 'RESTOCKED', 1, 0)`;
    await running`
      insert into transaction_decision (transaction_id, state, answer, decided_at)
      values (${idOf("dakar", 1)}, 'ABORTED', '{}', ${NOW})`;
  });
  await migrated;
  expect(lost).toBe(lostBefore);
});

async function untilSomebodyWaits(): Promise<void> {
  for (;;) {
    const [row] =
      await sql`select from pg_locks where not granted and locktype in ('relation', 'tuple', 'transactionid')`;
    if (row) return;
  }
}

test("functions take a prepare as the version before sends it, with a deadline of its own", async () => {
  const message = {
    transactionId: idOf("thies", 900),
    kind: "ORDER",
    deadline: "2026-01-01T00:00:10.000Z",
    lines: [{ productId: "101", quantity: 1 }],
  };
  const answers = await sql`select state from prepare_transactions(${sql.json([message])}, ${NOW})`;
  expect(answers).toEqual([{ state: "PREPARED" }]);
});
