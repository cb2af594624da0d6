/**
 * Goal: the databases' replicas of a local cluster are made, re-made, added, removed and promoted, and with
 * `synchronous: true` no acknowledged order is lost. Method: one cluster of real processes.
 */
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathsOf } from "@teranga/infra/home.ts";
import { firstMembers, readMembers } from "@teranga/infra/members.ts";
import { asSuperuser } from "@teranga/infra/postgres-process.ts";
import { parseTopology, partitionsOf } from "@teranga/kit/topology/topology.ts";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { ask } from "./harness/graph.ts";
import { isAlive, runProgram } from "./harness/npm-start.ts";
import { startTemporaryCluster, type TemporaryCluster } from "./harness/temporary-cluster.ts";

let cluster: TemporaryCluster;
let home: string;
beforeAll(async () => {
  cluster = await startTemporaryCluster({ logLevel: "warn" });
  home = join(cluster.directory, "home");
}, 180_000);
afterAll(() => cluster?.close(), 60_000);

const run = (program: "replica" | "promote", ...args: string[]) => runProgram(program, args, home, 0);
const recordOf = (name: string) => cluster.processes().find((process) => process.name === name);
const statusOf = async (name: string) => (await cluster.status()).find((process) => process.name === name);
const SOON = { timeout: 30_000, interval: 50 };

async function sqlOf<Row>(process: string, statement: string): Promise<Row[]> {
  const password = (await readFile(pathsOf(home).postgresPassword, "utf8")).trim();
  const url = Object.assign(new URL(recordOf(process)!.url), { password });
  return asSuperuser(url.href, async (sql) => [...(await sql.unsafe(statement))] as Row[]);
}

async function databaseInTopology(city: string) {
  const topology = parseTopology(await readFile(pathsOf(home).topology, "utf8"));
  return partitionsOf(topology, "city").partitions.find(({ id }) => id === city)?.database;
}

/** Resolves when the replica streams and has the primary's newest row. */
async function untilItFollows(replica: string): Promise<void> {
  await vi.waitFor(
    async () =>
      expect(await statusOf(replica)).toMatchObject({ health: "ready", following: { lagBytes: 0 } }),
    SOON,
  );
}

test("Dakar has a replica from the start, which the topology names and status shows", async () => {
  await untilItFollows("postgres-dakar-2");
  expect(await statusOf("postgres-dakar")).toMatchObject({ role: "primary", following: null, notes: [] });
  expect(await statusOf("postgres-dakar-2")).toMatchObject({ role: "replica", city: "dakar", notes: [] });
  expect(await databaseInTopology("dakar")).toEqual({
    replicas: [{ name: "dakar-2", url: recordOf("postgres-dakar-2")!.url.replace("teranga@", "") }],
    synchronous: false,
  });
  const { stdout } = await runProgram("status", [], home, 0);
  expect(stdout).toMatch(/postgres-dakar-2 +dakar +replica, \d+ B behind +ready/);
});

test("a replica whose data is wiped is made anew while everything runs", async () => {
  const { pid } = recordOf("postgres-dakar-2")!;
  const directory = join(pathsOf(home).postgres, "dakar-2");
  for (const name of await readdir(directory))
    await rm(join(directory, name), { recursive: true, force: true });
  await vi.waitFor(() => expect(isAlive(pid!)).toBe(false), SOON);
  await untilItFollows("postgres-dakar-2");
});

test("a replica is added to a city and removed again", async () => {
  const added = await run("replica", "add", "thies");
  expect(added).toEqual({
    code: 0,
    stdout: expect.stringMatching(/^thies-2 is a replica of thies now, on port \d+\.\n$/),
    stderr: "",
  });
  await untilItFollows("postgres-thies-2");
  expect((await databaseInTopology("thies"))?.replicas.map(({ name }) => name)).toEqual(["thies-2"]);

  const removed = await run("replica", "remove", "thies");
  expect(removed).toEqual({ code: 0, stdout: "thies-2 is no replica of thies any more.\n", stderr: "" });
  expect(recordOf("postgres-thies-2")).toBeUndefined();
  expect(await databaseInTopology("thies")).toBeUndefined();
  expect(await readdir(pathsOf(home).postgres)).not.toContain("thies-2");
  expect(await sqlOf("postgres-thies", "select slot_name from pg_replication_slots")).toEqual([]);
});

test("paused replicas show nothing of what is written, and go on to receive it", async () => {
  await untilItFollows("postgres-dakar-2");
  expect(await cluster.replicas("pause", "dakar")).toMatch(/is not shown by dakar-2\./);
  await sqlOf("postgres-dakar", "create table written_in_the_pause ()");
  const shown = "select to_regclass('written_in_the_pause') is not null as shown";
  const received = "select pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn() as received";
  await vi.waitFor(
    async () => expect(await sqlOf("postgres-dakar-2", received)).toEqual([{ received: true }]),
    SOON,
  );
  expect(await sqlOf("postgres-dakar-2", shown)).toEqual([{ shown: false }]);
  expect(await cluster.replicas("resume", "dakar")).toBe("What is written is shown by dakar-2 again.");
  await vi.waitFor(
    async () => expect(await sqlOf("postgres-dakar-2", shown)).toEqual([{ shown: true }]),
    SOON,
  );
  await sqlOf("postgres-dakar", "drop table written_in_the_pause");
});

test("while its replica is paused, a client reads the old state without its token, and its write with it", async () => {
  await untilItFollows("postgres-dakar-2");
  const balance = async (headers?: Record<string, string>) => {
    const { data } = await ask(cluster.url, '{ client(id: "dakar:1") { wallet { balance } } }', {}, headers);
    return data.client.wallet.balance as number;
  };
  const before = await balance();
  await cluster.replicas("pause", "dakar");
  const answer = await fetch(cluster.url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      query: 'mutation { topUpWallet(input: { clientId: "dakar:1", amount: 1000 }) { __typename } }',
    }),
  });
  const token = { "teranga-session": answer.headers.get("teranga-session")! };
  expect([await balance(), await balance(token)]).toEqual([before, before + 1_000]);
  // The replica may be 5 s old for those who have no token.
  await vi.waitFor(async () => expect(await balance()).toBe(before + 1_000), SOON);
  await cluster.replicas("resume", "dakar");
});

test("a command that cannot be carried out is refused in one line", async () => {
  const { replicas } = cluster;
  await expect(replicas("promote", "thies")).rejects.toThrow(
    /^thies has no replica: npm run replica -- add thies$/,
  );
  await expect(replicas("remove", "catalog")).rejects.toThrow(/^catalog has no replica/);
  expect(await run("promote", "paris")).toEqual({
    code: 1,
    stdout: "",
    stderr: 'There is no city "paris"; there is catalog, dakar, thies, saint-louis, autres\n',
  });
});

const ORDER = `mutation { placeOrder(input: { clientId: "dakar:1", lines: [{ productId: "101", quantity: 1 }] }) {
  ... on OrderPlaced { order { id } } } }`;

test("with synchronous: true an order that was acknowledged survives a promotion", async () => {
  await setSynchronous();
  const acknowledged: string[] = [];
  const place = async () => {
    const { data } = await ask(cluster.url, ORDER);
    if (data?.placeOrder?.order) acknowledged.push(data.placeOrder.order.id as string);
  };
  await place();
  expect(acknowledged).toHaveLength(1);

  const token = await tokenOfRead();
  // From here on the replica is sent nothing: what is acknowledged now would be lost.
  const [sender] = await sqlOf<{ pid: number }>("postgres-dakar", "select pid from pg_stat_replication");
  process.kill(sender!.pid, "SIGSTOP");
  const later = Promise.all([place(), place()]);
  const waiting = "select 1 from pg_stat_activity where wait_event = 'SyncRep'";
  await vi.waitFor(
    async () => expect((await sqlOf("postgres-dakar", waiting)).length).toBeGreaterThan(0),
    SOON,
  );
  // The primary is lost. Its supervisor must not bring it back, and the sender does not outlive it.
  process.kill(recordOf("postgres-dakar")!.pid!, "SIGKILL");
  const promoted = cluster.replicas("promote", "dakar");
  const meanwhile = readAndWriteUntil(promoted, token);
  await vi.waitFor(() => expect(recordOf("postgres-dakar")!.phase).toBe("stopped"), SOON);
  process.kill(sender!.pid, "SIGKILL");
  expect(await promoted).toBe("dakar-2 is the primary of dakar now, and dakar its replica.");
  await later;
  const { reads, writes } = await meanwhile;
  // One may fail in the moment in which the replica becomes the primary.
  expect(reads.filter((isAnswered) => !isAnswered).length).toBeLessThanOrEqual(reads.length / 2);
  expect(["ClientUpdated", "CITY_UNAVAILABLE", "OUTCOME_UNKNOWN"]).toEqual(expect.arrayContaining(writes));
  await vi.waitFor(async () => expect(await rename()).toBe("ClientUpdated"), SOON);

  const rows = await sqlOf<{ id: string }>("postgres-dakar-2", "select id from orders");
  expect(rows.map(({ id }) => id)).toEqual(expect.arrayContaining(acknowledged));
});

const READ = `{ client(id: "dakar:1") { name } }`;

/** The session token of a client that has read in Dakar what its replica has as well. */
async function tokenOfRead(): Promise<string> {
  const response = await fetch(cluster.url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: READ }),
  });
  expect(await response.json()).not.toHaveProperty("errors");
  await untilItFollows("postgres-dakar-2");
  return response.headers.get("teranga-session")!;
}

/** Returns what came of a write: the type of its result, or the code of its error. */
async function rename(): Promise<string> {
  const mutation = `mutation { updateClient(input: { id: "dakar:1", name: "Awa" }) { __typename } }`;
  const { data, errors } = await ask(cluster.url, mutation);
  return data?.updateClient?.__typename ?? errors?.[0]?.extensions?.code;
}

/** Reads and writes in Dakar while the primary is away. */
async function readAndWriteUntil(end: Promise<unknown>, token: string) {
  let isOver = false;
  const stop = () => {
    isOver = true;
  };
  void end.then(stop, stop);
  const reads: boolean[] = [];
  const writes: string[] = [];
  while (!isOver) {
    writes.push(await rename());
    const { errors } = await ask(cluster.url, READ, {}, { "teranga-session": token });
    reads.push(errors === undefined);
  }
  return { reads, writes };
}

/** Writes `synchronous: true` into the topology by hand, and waits until commits wait for the replica. */
async function setSynchronous(): Promise<void> {
  const { topology } = pathsOf(home);
  const text = await readFile(topology, "utf8");
  await writeFile(topology, text.replace("synchronous: false", "synchronous: true"));
  await vi.waitFor(
    async () =>
      expect(await statusOf("postgres-dakar-2")).toMatchObject({ following: { synchronous: true } }),
    SOON,
  );
}

test("after a promotion the roles are the other way round, also in the home", async () => {
  await untilItFollows("postgres-dakar");
  expect(await statusOf("postgres-dakar-2")).toMatchObject({ role: "primary", following: null });
  expect(await statusOf("postgres-dakar")).toMatchObject({
    role: "replica",
    following: { synchronous: true },
  });
  expect(readMembers(home, firstMembers([])).dakar).toEqual({ primary: "dakar-2", replicas: ["dakar"] });
  const timeline = "select substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) as timeline";
  expect(await sqlOf("postgres-dakar-2", timeline)).toEqual([{ timeline: "00000002" }]);
  await expect(cluster.replicas("remove", "dakar")).rejects.toThrow(
    "dakar is in the DATABASE_URL of this run: start the cluster again to remove it",
  );
});

test("a primary whose data is gone does not begin an empty database that its replica would copy", async () => {
  const before = await sqlOf("postgres-dakar", "select count(*) as orders from orders");
  const { pid } = recordOf("postgres-dakar-2")!;
  const directory = join(pathsOf(home).postgres, "dakar-2");
  process.kill(pid!, "SIGKILL");
  for (const name of await readdir(directory))
    await rm(join(directory, name), { recursive: true, force: true });
  await vi.waitFor(() => expect(recordOf("postgres-dakar-2")!.phase).toBe("backing-off"), SOON);
  const log = join(cluster.directory, "cluster.log");
  await vi.waitFor(async () => {
    expect(await readFile(log, "utf8")).toContain(
      "The data of dakar-2 is gone, and its replica dakar still has",
    );
  }, SOON);
  expect(await cluster.replicas("promote", "dakar")).toBe(
    "dakar is the primary of dakar now, and dakar-2 its replica.",
  );
  expect(await sqlOf("postgres-dakar", "select count(*) as orders from orders")).toEqual(before);
  await untilItFollows("postgres-dakar-2");
});
