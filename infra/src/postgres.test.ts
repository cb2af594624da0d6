import { spawn } from "node:child_process";
import { once } from "node:events";
import { lstat, mkdir, mkdtemp, readFile, readlink, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLogger } from "@teranga/kit/process/log.ts";
import postgres from "postgres";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type PrimaryOptions, startPostgres } from "./postgres.ts";
import { removeDataDirectory } from "./postgres-data.ts";
import type { RunningPostgres } from "./postgres-process.ts";
import { isAlive } from "./process.ts";

const log = createLogger("test", "silent");
/** An empty directory for each test. */
let directory: string;
/** A data directory that is made once and shared by the tests: initdb takes half a second. */
let made: string;
const servers: RunningPostgres[] = [];

beforeAll(async () => {
  made = await mkdtemp(join(tmpdir(), "teranga-postgres-test-"));
});
afterAll(() => removeDataDirectory(made));
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "teranga-postgres-test-"));
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
  await removeDataDirectory(directory);
});

async function start(options: Partial<PrimaryOptions> = {}): Promise<RunningPostgres> {
  const server = await startPostgres({
    directory: made,
    port: 0,
    password: "secret",
    log,
    durable: false,
    ...options,
  });
  servers.push(server);
  return server;
}

async function ask(url: string, statement: string): Promise<postgres.RowList<postgres.Row[]>> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    return await sql.unsafe(statement);
  } finally {
    await sql.end();
  }
}

test("data survives a stop and a start; the server's process is gone in between", async () => {
  const first = await start();
  const url = await first.ensureDatabase("saint-louis");
  expect(await first.ensureDatabase("saint-louis")).toBe(url);
  await ask(url, "create table note (text text); insert into note values ('Thiès')");
  await first.stop();
  expect(await first.exited).toEqual({ code: 0, signal: null });
  expect(isAlive(first.pid)).toBe(false);

  const second = await start({ port: first.port });
  expect(second.url("saint-louis")).toBe(url);
  expect([...(await ask(url, "select text from note"))]).toEqual([{ text: "Thiès" }]);
  const [settings] = await ask(
    url,
    "select current_setting('server_encoding') as encoding, datlocale from pg_database",
  );
  expect(settings).toEqual({ encoding: "UTF8", datlocale: "C.UTF-8" });
});

test("durable by default", async () => {
  const server = await startPostgres({ directory: made, port: 0, password: "secret", log });
  servers.push(server);
  const [row] = await ask(server.url("postgres"), "select current_setting('fsync') as fsync");
  expect(row).toEqual({ fsync: "on" });
});

test("a directory of another PostgreSQL version is refused in one line", async () => {
  await (await start()).stop();
  const version = join(made, "PG_VERSION");
  const own = await readFile(version, "utf8");
  await writeFile(version, "17\n");
  await expect(start()).rejects.toThrow(/^\S+ was made by PostgreSQL 17, this is PostgreSQL 18: .*$/);
  await writeFile(version, own);
});

test("a directory that holds something else is refused and stays as it is", async () => {
  await writeFile(join(directory, "thesis.txt"), "three years of work");
  await expect(start({ directory })).rejects.toThrow("is not empty and is no PostgreSQL data directory");
  expect(await readFile(join(directory, "thesis.txt"), "utf8")).toBe("three years of work");
});

test("a port that is taken is said with the server's own words, and nothing is left running", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as { port: number };
  try {
    await expect(start({ port })).rejects.toThrow(new RegExp(`PostgreSQL on port ${port} did not start: `));
  } finally {
    other.close();
  }
  await expect(stat(join(made, "postmaster.pid"))).rejects.toThrow("ENOENT");
});

test("another password than the directory was made with is refused at once", async () => {
  await (await start()).stop();
  await expect(start({ password: "other" })).rejects.toThrow("refuses the password");
  await expect(stat(join(made, "postmaster.pid"))).rejects.toThrow("ENOENT");
});

test("a server that was left running is stopped first, with its transactions rolled back", async () => {
  const left = await start();
  await ask(left.url("postgres"), "create table left_note (text text)");
  const next = await start();
  expect(isAlive(left.pid)).toBe(false);
  expect(next.pid).not.toBe(left.pid);
  expect([...(await ask(next.url("postgres"), "select * from left_note"))]).toEqual([]);
});

test("a pid file that names somebody else's process is removed, and that process left alone", async () => {
  await (await start()).stop();
  const stranger = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  try {
    await writeFile(join(made, "postmaster.pid"), `${stranger.pid}\n${made}\n`);
    await start();
    expect(isAlive(stranger.pid!)).toBe(true);
  } finally {
    stranger.kill("SIGKILL");
  }
});

test("a server that was killed recovers what was committed", async () => {
  const first = await start();
  await ask(
    first.url("postgres"),
    "create table kept_note (text text); insert into kept_note values ('kept')",
  );
  process.kill(first.pid, "SIGKILL");
  expect(await first.exited).toEqual({ code: null, signal: "SIGKILL" });
  const second = await start();
  expect([...(await ask(second.url("postgres"), "select text from kept_note"))]).toEqual([{ text: "kept" }]);
});

test("a start that is given up leaves nothing running", async () => {
  await expect(start({ signal: AbortSignal.abort() })).rejects.toThrow("aborted");
  await expect(stat(join(made, "postmaster.pid"))).rejects.toThrow("ENOENT");
});

test.runIf(process.getuid?.() === 0)(
  "a directory that PostgreSQL's user cannot reach is kept elsewhere",
  async () => {
    const closed = join(directory, "closed");
    await mkdir(closed, { mode: 0o700 });
    const asked = join(closed, "data");
    const server = await start({ directory: asked });
    const place = await readlink(asked);
    expect(await readFile(join(place, "PG_VERSION"), "utf8")).toBe("18\n");
    await server.stop();

    // As if the home was removed by hand: the next one begins with new data.
    await rm(asked);
    await (await start({ directory: asked, password: "other" })).stop();
    expect((await lstat(asked)).isSymbolicLink()).toBe(true);

    await removeDataDirectory(asked);
    await expect(stat(place)).rejects.toThrow("ENOENT");
    await expect(lstat(asked)).rejects.toThrow("ENOENT");
  },
);

test("an error's line in the log holds nothing of the rows", async () => {
  const { url } = await start();
  const sql = postgres(url("postgres"), { max: 1, onnotice: () => {} });
  await sql`create table client (email text primary key)`;
  const insert = () => sql`insert into client values (${"awa@example.com"})`;
  await insert();
  await expect(insert()).rejects.toMatchObject({ code: "23505" });
  await sql.end();
  const logged = await readFile(join(made, "server.log"), "utf8");
  expect(logged).toContain("duplicate key value");
  expect(logged).not.toContain("awa@example.com");
});
