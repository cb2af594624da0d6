/**
 * Goal: the commands tell an operator what is wrong in one line and an exit code, and leave nothing
 * behind. Method: the commands as processes.
 */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { access, chmod, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { bareEnvironment } from "../../kit/test/bare-environment.ts";
import { programPath } from "./config.ts";
import { openHome } from "./home.ts";
import { freePort } from "./ports.ts";
import { canReach, type SystemUser } from "./system-user.ts";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "teranga-cli-"));
});
afterEach(() => rm(home, { recursive: true, force: true }));

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

function run(
  program: "start" | "status" | "reset" | "replica" | "promote" | "token",
  env: Record<string, string> = {},
  options: string[] = [],
  user?: SystemUser,
): Promise<Outcome> {
  const file = programPath(`infra/src/${program}.ts`);
  const settings = { env: { ...bareEnvironment, TERANGA_HOME: home, ...env }, timeout: 20_000, ...user };
  return new Promise((resolve) => {
    execFile(process.execPath, [file, ...options], settings, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
}

describe("a start that cannot go on", () => {
  test("names the variable that is wrong", async () => {
    expect(await run("start", { GATEWAY_PORT: "http" })).toEqual({
      code: 1,
      stdout: "",
      stderr: 'Configuration: GATEWAY_PORT: "http" is not a port (0 to 65535)\n',
    });
  });

  test("names the port that is in use, and gives the home free", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as { port: number };
    try {
      const { code, stderr } = await run("start", { GATEWAY_PORT: String(port) });
      expect({ code, stderr }).toEqual({ code: 1, stderr: `GATEWAY_PORT: port ${port} is in use\n` });
    } finally {
      other.close();
    }
    await expect(access(join(home, "lock"))).rejects.toThrow("ENOENT");
    expect(JSON.parse((await run("status", {}, ["--json"])).stdout)).toEqual({ processes: [] });
  });

  test("names the home of another version", async () => {
    await writeFile(join(home, "version"), "teranga-home 99\n");
    const { code, stderr } = await run("start", { GATEWAY_PORT: String(await freePort()) });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^TERANGA_HOME: [^\n]+ \(layout 99, this is 2\)[^\n]+\n$/);
  });
});

// Root may write everywhere, so under root the program runs as the user "nobody", if that user can reach it.
const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined;
const reachable =
  (await canReach(nobody, programPath("infra/src/start.ts"))) && (await canReach(nobody, process.execPath));

describe("a home that cannot be", () => {
  test.each([
    ["/dev/null", "is not a directory"],
    ["/dev/null/home", "cannot be made (ENOTDIR)"],
  ])("%s %s", async (path, words) => {
    const { code, stderr } = await run("start", { TERANGA_HOME: path });
    expect({ code, stderr }).toEqual({ code: 1, stderr: `TERANGA_HOME: ${path} ${words}\n` });
  });

  test.runIf(process.platform === "linux")("in a file system that makes no directories", async () => {
    const { code, stderr } = await run("start", { TERANGA_HOME: "/proc/teranga/home" });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: "TERANGA_HOME: /proc/teranga/home cannot be made (ENOENT)\n",
    });
  });

  test.runIf(reachable)("because it may not be written", async () => {
    await chmod(home, 0o555);
    const { code, stderr } = await run("start", { GATEWAY_PORT: "0" }, [], nobody);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `TERANGA_HOME: ${home} cannot be read and written (EACCES)\n`,
    });
    expect(await readdir(home)).toEqual([]);
  });
});

describe("status", () => {
  test("of nothing is an empty list and no error", async () => {
    expect(await run("status", {}, ["--json"])).toEqual({
      code: 0,
      stdout: '{"processes":[]}\n',
      stderr: "",
    });
    expect(await run("status")).toEqual({ code: 0, stdout: `Nothing runs in ${home}.\n`, stderr: "" });
  });

  test("refuses an option that it does not have", async () => {
    const { code, stdout, stderr } = await run("status", {}, ["--jsno"]);
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: "",
      stderr: "Unknown option --jsno; there is only --json\n",
    });
  });
});

const TOKENS = "client CLIENT (client thies:2), city CITY (city thies) and company";

test.each([
  ["replica", "add dakar", "No cluster runs in HOME"],
  ["promote", "dakar", "No cluster runs in HOME"],
  ["replica", "grow dakar", "replica grow dakar: there is only add, remove, pause, resume, and a CITY"],
  ["promote", "dakar thies", "promote dakar thies: say one CITY, or catalog"],
  ["token", "client thies:2", "There is no key in HOME yet: npm start makes it"],
  ["token", "client thies", `token client thies: there is only ${TOKENS}`],
  ["token", "visitor", `token visitor: there is only ${TOKENS}`],
  ["token", "company --minutes 1441", "Options: --minutes: 1441 is not a whole number from 1 to 1440"],
] as const)("%s %s: %s", async (program, words, line) => {
  const stderr = `${line.replace("HOME", home)}\n`;
  expect(await run(program, {}, words.split(" "))).toEqual({ code: 1, stdout: "", stderr });
});

test("reset wipes a home and leaves anything else alone", async () => {
  await openHome(home);
  expect(await run("reset")).toEqual({
    code: 1,
    stdout: "",
    stderr: `There is no terminal to ask on. To wipe ${home} all the same: --yes\n`,
  });
  expect((await run("reset", {}, ["--yes"])).stdout).toBe(`Wiped ${home}.\n`);
  expect(await run("reset")).toEqual({ code: 0, stdout: `Nothing to wipe in ${home}.\n`, stderr: "" });
  const { code, stderr } = await run("reset", { TERANGA_HOME: tmpdir() });
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: `TERANGA_HOME: ${tmpdir()} was not made by Teranga and is not touched\n`,
  });
});
