/** The connection settings that the commit protocol needs, and that a role or a URL may not change. */
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { createLogger } from "../process/log.ts";
import { type Database, openDatabase } from "./database.ts";
import { checkDatabase } from "./database-check.ts";

const ROLE = "careless";
let server: Database;

beforeAll(async () => {
  server = openDatabase({ url: inject("postgresUrl"), applicationName: "test", connections: 1 });
  await server.sql.unsafe(`
    create role ${ROLE} login superuser password 'test';
    alter role ${ROLE} set synchronous_commit = off;
    alter role ${ROLE} set default_transaction_isolation = 'serializable';`);
});
afterAll(async () => {
  await server.sql.unsafe(`drop role ${ROLE}`);
  await server.close();
});

const lines: { level: number; risks?: string[] }[] = [];
const log = createLogger("test", "info", { write: (text: string) => lines.push(JSON.parse(text)) });

/** Runs the check as the role, with this text added to the URL. */
async function check(search = "", run: (database: Database) => Promise<unknown> = async () => {}) {
  const url = new URL(inject("postgresUrl"));
  url.username = ROLE;
  url.password = "test";
  url.search = search;
  const database = openDatabase({ url: url.href, applicationName: "test", connections: 1 });
  try {
    await checkDatabase(database.sql, log);
    return await run(database);
  } finally {
    await database.close();
  }
}

test("a role's own durability and isolation do not count", async () => {
  const settings = await check("", ({ sql }) =>
    sql.begin(
      (sql) => sql`
        select current_setting('synchronous_commit') as commit, current_setting('transaction_isolation') as isolation`,
    ),
  );
  expect(settings).toEqual([{ commit: "on", isolation: "read committed" }]);
});

test("the URL may ask for more than that", async () => {
  await expect(check("?synchronous_commit=remote_apply")).resolves.toBeUndefined();
});

test.each([
  ["synchronous_commit", "off"],
  ["synchronous_commit", "local"],
  ["default_transaction_isolation", "serializable"],
  ["session_replication_role", "replica"],
])("the URL may not make %s %s", async (name, value) => {
  await expect(check(`?${name}=${value}`)).rejects.toThrow(`DATABASE_URL: ${name} is ${value}, and must be `);
});

test("a server that a power cut can damage is told once, in one line", async () => {
  lines.length = 0;
  await check();
  const [{ fsync }] = (await server.sql`select current_setting('fsync') as fsync`) as unknown as [
    { fsync: string },
  ];
  const told = lines.flatMap(({ level, risks }) => (level === 40 ? (risks ?? []) : []));
  expect(told.filter((risk) => risk.startsWith("fsync"))).toEqual(
    fsync === "on" ? [] : ["fsync is off: a power cut can lose decisions"],
  );
});
