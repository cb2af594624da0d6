/** A transaction that loses against another one is run again, and the owner of the pool is told. */
import { expect, test } from "vitest";
import { openDatabase, retryLostTransaction } from "./database.ts";

/** A pool that never connects, and its count of lost transactions. */
function pool() {
  const told = { losses: 0 };
  const onLostTransaction = () => {
    told.losses++;
  };
  const url = "postgres://nobody@127.0.0.1:9/none";
  const { sql } = openDatabase({ url, applicationName: "test", onLostTransaction });
  return { sql, told };
}

/** Loses this many times, then succeeds. */
function losing(times: number, code = "40P01") {
  let tries = 0;
  const run = async () => {
    if (++tries <= times) throw Object.assign(new Error("lost"), { code });
    return tries;
  };
  return run;
}

test("a transaction that loses is run again, and each loss told to its own pool only", async () => {
  const [mine, other] = [pool(), pool()];
  expect(await retryLostTransaction(mine.sql, losing(2))).toBe(3);
  expect(mine.told.losses).toBe(2);
  expect(other.told.losses).toBe(0);
});

test("the fifth loss is the last, and reaches the caller", async () => {
  const { sql, told } = pool();
  await expect(retryLostTransaction(sql, losing(5, "40001"))).rejects.toThrow("lost");
  expect(told.losses).toBe(4);
});

test("any other failure is the caller's at once", async () => {
  const { sql, told } = pool();
  await expect(retryLostTransaction(sql, losing(1, "23505"))).rejects.toThrow("lost");
  expect(told.losses).toBe(0);
});
