/** A connection that closes while a transaction has it: the transaction fails, the process goes on. */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, expect, inject, test } from "vitest";
import { openDatabase, type Sql } from "./database.ts";

const database = openDatabase({ url: inject("postgresUrl"), applicationName: "test", connections: 1 });
afterAll(() => database.close());

/** Ends the session's own connection, and waits until the driver knows. */
async function end(sql: Sql): Promise<void> {
  await sql`select pg_terminate_backend(pg_backend_pid())`.catch(() => {});
  await delay(50);
}

test("a transaction whose connection has closed fails, also if it goes on", async () => {
  const late: unknown[] = [];
  const running = database.sql.begin(async (sql) => {
    await end(sql as unknown as Sql);
    late.push(await sql`select 1`.catch((error: { code: string }) => error.code));
  });
  await expect(running).rejects.toThrow();
  await expect.poll(() => late).toEqual(["CONNECTION_CLOSED"]);
  expect([...(await database.sql`select 2 as two`)]).toEqual([{ two: 2 }]);
});

test("a reserved connection that has closed is not given to anybody else", async () => {
  const reserved = await database.sql.reserve();
  await end(reserved);
  await expect(reserved`select 1`).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
  reserved.release();
  expect([...(await database.sql`select 2 as two`)]).toEqual([{ two: 2 }]);
});
