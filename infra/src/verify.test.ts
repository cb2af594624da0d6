/** Goal: `npm run verify` finds a broken invariant. Method: one database, first sound, then damaged. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { prepareCityDatabase } from "@teranga/city/database.ts";
import { type Database, openDatabase } from "@teranga/kit/postgres/database.ts";
import { parseTopology, partitionsOf } from "@teranga/kit/topology/topology.ts";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { bareEnvironment } from "../../kit/test/bare-environment.ts";
import { topologyText } from "./cities.ts";

const NAME = "infra_verify";
const url = inject("postgresUrl").replace(/\/postgres$/, `/${NAME}`);
let server: Database;
let dakar: Database;

beforeAll(async () => {
  server = openDatabase({ url: inject("postgresUrl"), applicationName: "test", connections: 1 });
  await server.sql`create database ${server.sql(NAME)}`;
  dakar = openDatabase({ url, applicationName: "test", connections: 1 });
  const topology = parseTopology(topologyText(() => "http://127.0.0.1:9/graphql"));
  await prepareCityDatabase(dakar.sql, "dakar", partitionsOf(topology, "city"));
});
afterAll(async () => {
  await dakar.close();
  await server.sql`drop database ${server.sql(NAME)}`;
  await server.close();
});

function verify(): Promise<{ code: number; said: string }> {
  const program = fileURLToPath(new URL("verify.ts", import.meta.url));
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [program, `dakar=${url}`],
      { env: bareEnvironment },
      (error, stdout, stderr) => {
        resolve({ code: error ? Number(error.code) : 0, said: stdout + stderr });
      },
    );
  });
}

test("it says that every invariant holds, and which one does not", async () => {
  expect(await verify()).toEqual({ code: 0, said: "Every invariant holds: dakar. Under way: 0.\n" });
  await dakar.sql`insert into stock (product_id, warehouse, on_hand) values ('101', 'Warehouse', 7)`;
  expect(await verify()).toEqual({
    code: 1,
    said: `! dakar: a level is the sum of its movements: {"on_hand":7,"reserved":0,"product_id":"101"}
Invariants are broken: dakar. Under way: 0.
`,
  });
});
