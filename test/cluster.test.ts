/**
 * Goal: `npm start` starts, ends and recovers as documented. Method: a real cluster, killed in parts, stopped
 * and started again. A start costs 23 s of CPU time, so each of the two tests something at its end. All that
 * stops a cluster stops it in the same way (infra/src/stop-request.test.ts). That clusters do not know of
 * each other is seen whenever another test runs one beside this one.
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "@teranga/infra/config.ts";
import { runningSupervisor } from "@teranga/infra/home.ts";
import { freePort } from "@teranga/infra/ports.ts";
import { readProcesses } from "@teranga/infra/state.ts";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { ask } from "./harness/graph.ts";
import { type ClusterProcess, isAlive, type NpmStart, npmStart, runProgram } from "./harness/npm-start.ts";

let directory: string;
let home: string;
let port: number;
let cluster: NpmStart;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "teranga-cluster-"));
  home = join(directory, "home");
  port = await freePort();
  cluster = await npmStart(home, port);
}, 180_000);
afterAll(async () => {
  await cluster?.end("SIGTERM").catch(() => undefined);
  await runProgram("reset", ["--yes"], home, port);
  await rm(directory, { recursive: true, force: true });
}, 60_000);

const processOf = (name: string) => readProcesses(home).find((process) => process.name === name)!;
const ORDER = `mutation { placeOrder(input: { clientId: "thies:2", lines: [{ productId: "101", quantity: 7 }] }) {
  ... on OrderPlaced { order { id } } } }`;
const AVAILABLE = '{ product(id: "101") { availability { total complete } } }';

test("every process is there, with its kind, city and health", async () => {
  const processes = await cluster.status();
  expect(processes.map(({ name, kind, city, health }) => `${name} ${kind} ${city} ${health}`).sort()).toEqual(
    [
      "catalog-dakar catalog null ready",
      "catalog-thies catalog null ready",
      "city-autres city autres ready",
      "city-dakar city dakar ready",
      "city-saint-louis city saint-louis ready",
      "city-thies city thies ready",
      "gateway gateway null ready",
      "mobile-money mobile-money null ready",
      "orders orders null ready",
      "postgres-autres postgres autres ready",
      "postgres-catalog-dakar postgres null ready",
      "postgres-catalog-thies postgres null ready",
      "postgres-dakar postgres dakar ready",
      "postgres-dakar-2 postgres dakar ready",
      "postgres-saint-louis postgres saint-louis ready",
      "postgres-thies postgres thies ready",
    ],
  );
  for (const { pid, url } of processes) {
    expect(isAlive(pid)).toBe(true);
    expect(url).toMatch(/^(http|postgres):\/\//);
    expect(url).not.toMatch(/:[^@/]*@/);
  }
});

test("a start says what it does, and once where the data is if PostgreSQL cannot reach the home", () => {
  const output = cluster.output();
  expect(output).toMatch(/PostgreSQL servers …\n(.*\n)*.*tables, .*…\n(.*\n)*.*the gateway …\n/);
  // The home is in a directory that other users cannot enter.
  expect(output.match(/the data is kept in/g) ?? []).toHaveLength(process.getuid?.() === 0 ? 1 : 0);
});

test("status finds the cluster that was started last, unless one runs in the usual home", async () => {
  const { stdout } = await runProgram("status", ["--json"], "", 0);
  const urls = (JSON.parse(stdout) as { processes: ClusterProcess[] }).processes.map(({ url }) => url);
  const usual = await runningSupervisor(join(ROOT, ".teranga"));
  if (!usual) expect(urls.some((url) => url === cluster.url)).toBe(true);
});

test("the README's commands by hand work as they are printed", async () => {
  const readme = await readFile(join(ROOT, "README.md"), "utf8");
  const section = readme.slice(readme.indexOf("## Running parts by hand"));
  const commands = [...section.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, command]) => command!);
  expect(commands).toHaveLength(3);
  await Promise.all(commands.map(isReadyByHand));
}, 120_000);

/** Runs the command on the first cluster's home, with a port of its own, until it is ready. */
async function isReadyByHand(command: string): Promise<void> {
  const port = await freePort();
  const script = command
    .replaceAll(".teranga/", `${home}/`)
    .replace(/--port \d+/, `--port ${port}`)
    .replace(/^node_modules/m, "exec node_modules");
  const { SERVICE_CREDENTIAL: _, TOPOLOGY: __, ...env } = process.env;
  const child = spawn("sh", ["-ec", script], { cwd: ROOT, env, stdio: ["ignore", "ignore", "inherit"] });
  const exited = once(child, "exit");
  try {
    await vi.waitFor(
      async () => expect((await fetch(`http://127.0.0.1:${port}/health/ready`)).status).toBe(200),
      { timeout: 30_000, interval: 100 },
    );
  } finally {
    child.kill("SIGTERM");
    await exited;
  }
}

test("the tour of a client has the answers that it shows", async () => {
  const tour = await readFile(join(ROOT, "docs/tour-client.md"), "utf8");
  const blocks = (language: string) =>
    Array.from(tour.matchAll(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, "g")), ([, text]) => text!);
  const script = blocks("sh").join("\n").replaceAll("localhost:4000", new URL(cluster.url).host);
  const { stdout } = await promisify(execFile)("sh", ["-ec", script], {
    cwd: ROOT,
    env: { ...process.env, TERANGA_HOME: home },
  });
  const lines = (text: string) => text.split("\n").filter((line) => line !== "");
  expect(lines(stdout)).toEqual(lines(blocks("json").join("\n")));
});

test("the catalog is written at Dakar, else at Thiès, and what is written at one comes to the other", async () => {
  const price = (of: number) =>
    ask(
      cluster.url,
      `mutation { updateProduct(input: { id: "101", price: ${of} }) { ... on ProductUpdated { product {
        price history(first: 1) { node } } } } }`,
    );
  const writtenAt = async (of: number) => (await price(of)).data?.updateProduct?.product;
  expect(await writtenAt(440_000)).toEqual({ price: 440_000, history: [{ node: "dakar" }] });
  const sync = "mutation { syncNow(input: { waitMs: 3000 }) { ... on CatalogSynced { nodes } } }";
  expect((await ask(cluster.url, sync)).data).toEqual({ syncNow: { nodes: ["dakar", "thies"] } });
  // The tour of the nodes speaks with each of them so.
  const tour = await readFile(join(ROOT, "docs/tour-nodes.md"), "utf8");
  const speak = /```sh\n([\s\S]*?)```/.exec(tour)![1]!.replaceAll(".teranga/", `${home}/`);
  const asked = "at thies '{ catalogNodes { name answers } }'";
  const { stdout: told } = await promisify(execFile)("sh", ["-ec", `${speak}\n${asked}`], {
    cwd: ROOT,
    env: { ...process.env, TERANGA_HOME: home },
  });
  expect(JSON.parse(told).data.catalogNodes).toEqual([
    { name: "dakar", answers: false },
    { name: "thies", answers: true },
  ]);
  const { pid } = processOf("catalog-dakar");
  process.kill(pid!, "SIGSTOP");
  await vi.waitFor(
    async () => expect(await writtenAt(430_000)).toEqual({ price: 430_000, history: [{ node: "thies" }] }),
    { timeout: 20_000, interval: 50 },
  );
  process.kill(pid!, "SIGCONT");
  const { stdout } = await runProgram("verify", [], home, port);
  expect(stdout).toMatch(/^Every invariant holds: .*, catalog-dakar, catalog-thies\. Under way: \d+\.\n$/);
  const refused = await runProgram("replica", ["add", "catalog"], home, port);
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("nodes have no replicas") });
});

test("a service that is killed is missed, restarted, and back with its data", async () => {
  const { pid } = processOf("city-thies");
  process.kill(pid!, "SIGKILL");
  await vi.waitFor(() => expect(isAlive(pid!)).toBe(false));
  const { data } = await ask(cluster.url, '{ client(id: "dakar:1") { name } }');
  expect(data.client.name).toBe("Mamadou Ndiaye");
  await vi.waitFor(
    async () => {
      const { data, errors } = await ask(cluster.url, '{ client(id: "thies:2") { name } }');
      expect({ data, errors }).toEqual({ data: { client: { name: "Awa Diop" } }, errors: undefined });
    },
    { timeout: 20_000, interval: 100 },
  );
  expect(processOf("city-thies").pid).not.toBe(pid);
  expect(cluster.output()).toContain("city-thies ended by itself");
});

test("a database server that is killed is restarted, and nothing committed is lost", async () => {
  const { data } = await ask(cluster.url, ORDER);
  const { pid } = processOf("postgres-thies");
  process.kill(pid!, "SIGKILL");
  await vi.waitFor(
    async () => {
      const answer = await ask(cluster.url, `{ order(id: "${data.placeOrder.order.id}") { status } }`);
      expect(answer.data.order).toEqual({ status: "PLACED" });
    },
    { timeout: 30_000, interval: 200 },
  );
});

describe("a start that cannot go on is one line", () => {
  test("because the port is taken", async () => {
    const { code, stderr } = await runProgram("start", [], join(directory, "other"), port);
    expect(code).toBe(1);
    expect(stderr.trim().split("\n")).toEqual([expect.stringContaining(`${port}`)]);
  });

  test("because the home is in use", async () => {
    const { code, stderr } = await runProgram("start", [], home, await freePort());
    expect(code).toBe(1);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });

  test("a reset while it runs is refused", async () => {
    const { code, stderr } = await runProgram("reset", [], home, port);
    expect(code).toBe(1);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });
});

test("what a home holds is its owner's alone", async () => {
  expect(await openEntries(home)).toEqual([]);
});

/**
 * The entries of a home that other users can read or write. They may pass through a directory if PostgreSQL
 * runs as another user.
 */
async function openEntries(directory: string): Promise<string[]> {
  const passage = process.getuid?.() === 0 ? 0o011 : 0;
  const open: string[] = [];
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    const { mode } = await stat(path);
    if ((mode & 0o077 & ~(entry.name === "postgres" ? passage : 0)) !== 0) open.push(path);
    // The data directories belong to PostgreSQL's user, and may be symbolic links.
    if (entry.isDirectory() && entry.name !== "postgres") open.push(...(await openEntries(path)));
  }
  if (((await stat(directory)).mode & 0o077 & ~passage) !== 0) open.push(directory);
  return open;
}

const running = () => readProcesses(home).map(({ pid }) => pid!);

// A start takes 15 s on two idle cores, more than 30 s on busy ones.
const WITH_A_START = { timeout: 180_000 };

test("Ctrl-C stops every process, and a second start has data and primaries", WITH_A_START, async () => {
  const before = (await ask(cluster.url, AVAILABLE)).data;
  const promoted = await runProgram("promote", ["dakar"], home, port);
  expect(promoted.stdout).toBe("dakar-2 is the primary of dakar now, and dakar its replica.\n");
  const pids = running();
  expect(pids).toHaveLength(16);
  expect(await cluster.end("SIGINT")).toBe(0);
  expect(pids.filter(isAlive)).toEqual([]);

  cluster = await npmStart(home, port);
  expect((await ask(cluster.url, AVAILABLE)).data).toEqual(before);
  expect([processOf("postgres-dakar-2").role, processOf("postgres-dakar").role]).toEqual([
    "primary",
    "replica",
  ]);
});

test("it outlives the pipe that it writes to, and a closed terminal stops it", async () => {
  cluster.closeOutput();
  const orders = () => processOf("orders");
  // The end is logged, but nothing reads the log.
  const { pid } = orders();
  process.kill(pid!, "SIGKILL");
  await vi.waitFor(
    () => {
      expect(orders().phase).toBe("ready");
      expect(orders().pid).not.toBe(pid);
    },
    { timeout: 20_000, interval: 50 },
  );
  const pids = running();
  expect(pids).toHaveLength(16);
  expect(await cluster.end("SIGHUP")).toBe(0);
  expect(pids.filter(isAlive)).toEqual([]);
});
