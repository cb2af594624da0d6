/**
 * Real Redis servers and sentinels for tests, as processes on free ports of the loopback interface.
 *
 * A file that uses them has `describe.skipIf(redisMissing !== null)`, where `redisMissing` is what vitest's
 * `inject` gives by that name.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { readConfig } from "../src/process/config.ts";
import { connectTo } from "../src/redis/redis-connection.ts";
import { type RedisTarget, redisVariables } from "../src/redis/redis-url.ts";
import { findRedis } from "./redis-programs.ts";

export interface TestRedis {
  url: string;
  target: RedisTarget;
  port: number;
  /** Sends a command over a connection of its own, as an operator does. */
  command<Reply>(...command: string[]): Promise<Reply>;
  /** Stops the process where it is (SIGSTOP): it takes connections and says nothing. */
  freeze(): void;
  thaw(): void;
  /** Ends it at once (SIGKILL); what it kept is lost. */
  kill(): Promise<void>;
  /** Starts it again on its port, empty. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const HOST = "127.0.0.1";
const READY_LIMIT_MS = 10_000;
const COMMAND_DEADLINE_MS = 5_000;
const NO_ONE = { username: undefined, password: undefined };

/** @param settings of redis.conf, such as `["maxmemory", "5mb"]` */
export async function startRedis(...settings: [string, ...string[]][]): Promise<TestRedis> {
  const directory = await mkdtemp(join(tmpdir(), "teranga-redis-"));
  const port = await freePort();
  const password = settings.find(([name]) => name === "requirepass")?.[1];
  const usual: [string, ...string[]][] = [
    ["bind", HOST],
    ["port", `${port}`],
    ["save", '""'],
    ["dir", directory],
    ["loglevel", "warning"],
  ];
  // In a file: sentinels have a server write there whom it follows, and it begins with that when it starts
  // again. A primary that began as the replica it once was followed its own replica, for good.
  const file = join(directory, "redis.conf");
  await writeFile(file, [...usual, ...settings].map((line) => `${line.join(" ")}\n`).join(""));
  const commandTo = commandOf(port, password);
  let server = startProcess([file]);
  const ready = () => untilReady(commandTo);
  await ready();
  const url = `redis://${HOST}:${port}`;
  return {
    url,
    target: redisTarget(url),
    port,
    command: commandTo,
    freeze: () => void server.kill("SIGSTOP"),
    thaw: () => void server.kill("SIGCONT"),
    kill: () => end(server),
    async restart() {
      await end(server);
      server = startProcess([file]);
      await ready();
    },
    async stop() {
      await end(server);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export interface SentinelTrio {
  /** The URL by the sentinels. */
  url: string;
  target: RedisTarget;
  /** The primary at first, then its replica. */
  servers: readonly [TestRedis, TestRedis];
  /** The port of the primary as the sentinels know it. */
  primaryPort(): Promise<number>;
  /** Makes the replica the primary, as an operator does. */
  failOver(): Promise<void>;
  /** Waits until one server follows the other, so that it can take over. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

const PRIMARY = "shop";
/**
 * Sentinels usually ask and tell every 1 to 10 seconds. After four publish periods a sentinel takes back a
 * promoted replica that it was not told of, and the one that promotes it looks each second.
 */
const PERIODS_MS = [
  ["info-period", 100],
  ["ping-period", 100],
  ["ask-period", 100],
  ["publish-period", 400],
] as const;

/** A primary, its replica and three sentinels that find a dead primary within half a second. */
export async function startSentinelTrio(): Promise<SentinelTrio> {
  const quick: [string, ...string[]][] = [["repl-diskless-sync-delay", "0"]];
  const primary = await startRedis(...quick);
  const replica = await startRedis(...quick, ["replicaof", HOST, `${primary.port}`]);
  const directory = await mkdtemp(join(tmpdir(), "teranga-sentinels-"));
  const sentinels = await Promise.all(
    [1, 2, 3].map((id) => startSentinel(join(directory, `${id}.conf`), primary)),
  );
  const [first] = sentinels;
  const primaryPort = async () => {
    const [, port] = await first!.command<[string, string]>("SENTINEL", "GET-MASTER-ADDR-BY-NAME", PRIMARY);
    return Number(port);
  };
  const settled = () =>
    until("the sentinels know the replica and one another", async () => {
      const told = await first!.command<string[]>("SENTINEL", "MASTER", PRIMARY);
      const count = (name: string) => Number(told[told.indexOf(name) + 1]);
      const replicas = await first!.command<string[][]>("SENTINEL", "REPLICAS", PRIMARY);
      const isLinked = replicas.some((each) => each[each.indexOf("master-link-status") + 1] === "ok");
      return count("num-other-sentinels") === 2 && isLinked;
    });
  await settled();
  const url = `redis+sentinel://${sentinels.map(({ port }) => `${HOST}:${port}`).join(",")}/${PRIMARY}`;
  return {
    url,
    target: redisTarget(url),
    servers: [primary, replica],
    primaryPort,
    settled,
    async failOver() {
      const before = await primaryPort();
      await until("another is the primary", async () => {
        // Refused while one is under way. It is given up on a busy machine, where servers answer late.
        await first!.command("SENTINEL", "FAILOVER", PRIMARY).catch(() => {});
        return (await primaryPort()) !== before;
      });
    },
    async stop() {
      await Promise.all(sentinels.map(({ stop }) => stop()));
      await Promise.all([primary.stop(), replica.stop()]);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** What a program makes of a REDIS_URL. */
export const redisTarget = (url: string): RedisTarget =>
  readConfig(z.object(redisVariables), { REDIS_URL: url }).REDIS_URL!;

async function startSentinel(file: string, primary: TestRedis) {
  const port = await freePort();
  const lines = [
    `port ${port}`,
    `bind ${HOST}`,
    "loglevel warning",
    `sentinel monitor ${PRIMARY} ${HOST} ${primary.port} 2`,
    `sentinel down-after-milliseconds ${PRIMARY} 400`,
    `sentinel failover-timeout ${PRIMARY} 2000`,
  ];
  await writeFile(file, `${lines.join("\n")}\n`);
  const server = startProcess([file, "--sentinel"]);
  const command = commandOf(port, undefined);
  await untilReady(command);
  for (const [period, ms] of PERIODS_MS) await command("SENTINEL", "DEBUG", period, `${ms}`);
  return { port, command, stop: () => end(server) };
}

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const server of running) server.kill("SIGKILL");
});

function startProcess(args: readonly string[]): ChildProcess {
  const program = findRedis();
  if (!program) throw new Error("There is no Redis here");
  const server = spawn(program.file, args, { argv0: program.argv0, stdio: "ignore" });
  running.add(server);
  server.once("exit", () => running.delete(server));
  return server;
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = new Promise((resolve) => server.once("exit", resolve));
  server.kill("SIGKILL");
  await ended;
}

const commandOf =
  (port: number, password: string | undefined) =>
  async <Reply>(...command: string[]): Promise<Reply> => {
    const login = { ...NO_ONE, password };
    const options = { login, tls: false, deadlineMs: COMMAND_DEADLINE_MS };
    const connection = await connectTo({ host: HOST, port }, options);
    try {
      return await connection.send<Reply>(command);
    } finally {
      connection.close();
    }
  };

const untilReady = (command: TestRedis["command"]) =>
  until("Redis is ready", () =>
    command("PING").then(
      () => true,
      () => false,
    ),
  );

/** Waits until something is so. @throws Error if it is not so after READY_LIMIT_MS */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + READY_LIMIT_MS;
  while (!(await isSo())) {
    if (performance.now() >= deadlineMs) throw new Error(`Not within ${READY_LIMIT_MS} ms: ${what}`);
    await sleep(10);
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
