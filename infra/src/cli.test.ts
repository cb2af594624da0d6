/** The three commands as an operator meets them: one line, an exit code, nothing left behind. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { access, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { programPath } from "./config.ts";
import { openHome } from "./home.ts";
import { freePort } from "./ports.ts";

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
  program: "start" | "status" | "reset",
  env: Record<string, string> = {},
  options: string[] = [],
): Promise<Outcome> {
  const file = programPath(`infra/src/${program}.ts`);
  const settings = { env: { PATH: process.env.PATH, TERANGA_HOME: home, ...env }, timeout: 20_000 };
  return new Promise((resolve) => {
    execFile(process.execPath, [file, ...options], settings, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
}

describe("a start that cannot go on", () => {
  test("names the variable that is wrong", async () => {
    const { code, stderr } = await run("start", { GATEWAY_PORT: "http" });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Configuration: GATEWAY_PORT: [^\n]+\n$/);
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
    await writeFile(join(home, "version"), "99\n");
    const { code, stderr } = await run("start", { GATEWAY_PORT: String(await freePort()) });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^TERANGA_HOME: [^\n]+ \(layout 99, this is 1\)[^\n]+\n$/);
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

test("reset wipes a home and leaves anything else alone", async () => {
  await openHome(home);
  expect((await run("reset")).stdout).toBe(`Wiped ${home}.\n`);
  expect(await run("reset")).toEqual({ code: 0, stdout: `Nothing to wipe in ${home}.\n`, stderr: "" });
  const { code, stderr } = await run("reset", { TERANGA_HOME: tmpdir() });
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: `TERANGA_HOME: ${tmpdir()} was not made by Teranga and is not touched\n`,
  });
});
