/** How a cluster that runs, or starts, ends: a closed terminal, a fault of its own, a start that hangs. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createLogger } from "@teranga/kit/log.ts";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { bareEnvironment } from "../../kit/test/bare-environment.ts";
import { programPath } from "./config.ts";
import { openHome } from "./home.ts";
import { stopLeftovers } from "./leftovers.ts";
import { isAlive } from "./process.ts";
import { readProcesses } from "./state.ts";
import { wipeHome } from "./wipe-home.ts";

const log = createLogger("test", "silent");
let directory: string;
let home: string;
const children: ChildProcess[] = [];

beforeAll(async () => {
  // Closed to others: root's PostgreSQL keeps its data elsewhere.
  directory = await mkdtemp(join(tmpdir(), "teranga-start-"));
  home = join(directory, "home");
});
afterEach(async () => {
  for (const child of children.splice(0)) if (child.exitCode === null) child.kill("SIGKILL");
  await stopLeftovers(home, log);
}, 60_000);
afterAll(async () => {
  await wipeHome(home, log);
  await rm(directory, { recursive: true, force: true });
}, 60_000);

interface Started {
  child: ChildProcess;
  output: () => string;
  exited: Promise<[number | null, NodeJS.Signals | null]>;
}

/** @param preload code that the program runs first */
function start(at: string, preload = ""): Started {
  const child = spawn(
    process.execPath,
    ["--import", `data:text/javascript,${encodeURIComponent(preload)}`, programPath("infra/src/start.ts")],
    { env: { ...bareEnvironment, TERANGA_HOME: at, GATEWAY_PORT: "0" } },
  );
  children.push(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text));
  const exited = once(child, "exit") as Started["exited"];
  return { child, output: () => output, exited };
}

function untilSaid({ child, output }: Started, words: string): Promise<void> {
  return vi.waitFor(
    () => {
      if (child.exitCode !== null) throw new Error(`ended:\n${output()}`);
      expect(output()).toContain(words);
    },
    { timeout: 90_000, interval: 50 },
  );
}

/**
 * What of a home others can read or write; a directory may be passed through if PostgreSQL runs as another
 * user.
 */
async function openEntries(directory: string): Promise<string[]> {
  const passage = process.getuid?.() === 0 ? 0o011 : 0;
  const open: string[] = [];
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    const { mode } = await stat(path);
    if ((mode & 0o077 & ~(entry.name === "postgres" ? passage : 0)) !== 0) open.push(path);
    // The data directories are PostgreSQL's own, and perhaps behind links.
    if (entry.isDirectory() && entry.name !== "postgres") open.push(...(await openEntries(path)));
  }
  if (((await stat(directory)).mode & 0o077 & ~passage) !== 0) open.push(directory);
  return open;
}

const pids = () => readProcesses(home).flatMap(({ pid }) => (pid === null ? [] : [pid]));

test("a cluster outlives the pipe that it writes to, and stops in order when its terminal is closed", async () => {
  const cluster = start(home);
  await untilSaid(cluster, "Ready in");
  expect(cluster.output().match(/the data is kept in/g) ?? []).toHaveLength(process.getuid?.() === 0 ? 1 : 0);
  cluster.child.stdout?.destroy();
  cluster.child.stderr?.destroy();

  expect(cluster.output()).toMatch(/PostgreSQL servers …\n(.*\n)*.*tables, .*…\n(.*\n)*.*the gateway …\n/);
  expect(await openEntries(home)).toEqual([]);

  // Its end is logged, to nobody.
  const pid = readProcesses(home).find(({ name }) => name === "orders")!.pid!;
  process.kill(pid, "SIGKILL");
  await vi.waitFor(
    () => {
      const orders = readProcesses(home).find(({ name }) => name === "orders");
      expect(orders?.phase).toBe("ready");
      expect(orders?.pid).not.toBe(pid);
    },
    { timeout: 20_000, interval: 50 },
  );
  const running = pids();
  expect(running).toHaveLength(12);
  cluster.child.kill("SIGHUP");
  expect(await cluster.exited).toEqual([0, null]);
  expect(running.filter(isAlive)).toEqual([]);
}, 150_000);

test.each([
  ["an error that nobody catches", "throw new Error('boom')"],
  ["a promise that nobody handles", "Promise.reject(new Error('boom'))"],
])(
  "%s is told, and everything is stopped in order",
  async (_name, fault) => {
    const cluster = start(home, `process.once("SIGUSR2", () => { ${fault}; });`);
    await untilSaid(cluster, "Ready in");
    const running = pids();
    cluster.child.kill("SIGUSR2");
    expect(await cluster.exited).toEqual([1, null]);
    expect(cluster.output()).toMatch(/A fault of the cluster's own: Error: boom\n {4}at /);
    expect(cluster.output()).toMatch(/Stopped\.\n$/);
    expect(running.filter(isAlive)).toEqual([]);
  },
  150_000,
);

test.runIf(process.platform !== "win32")("a start that hangs ends at the second signal", async () => {
  const hanging = join(directory, "hanging");
  await openHome(hanging);
  // Reading a pipe that nobody writes to takes for ever.
  await rm(join(hanging, "version"));
  execFileSync("sh", ["-c", "mkfifo version"], { cwd: hanging });
  const cluster = start(hanging);
  await untilSaid(cluster, "Starting the cluster");
  // One key press, as npm and the terminal deliver it, is one request.
  for (let times = 0; times < 3; times++) cluster.child.kill("SIGINT");
  await sleep(1_500);
  expect(cluster.child.exitCode ?? cluster.child.signalCode).toBeNull();
  cluster.child.kill("SIGTERM");
  expect(await cluster.exited).toEqual([null, "SIGKILL"]);
  expect(cluster.output()).toContain("does not give up in order");
});
