/** Starting, failing to start, and stopping. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { request } from "undici";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { bareEnvironment } from "../../../kit/test/bare-environment.ts";
import { startTestCatalog, TOPOLOGY_FILE } from "./testing.ts";

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));
let directory: string;
let goodConfig: Record<string, string>;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "catalog-test-"));
  await writeFile(join(directory, "topology.yaml"), TOPOLOGY_FILE);
  goodConfig = {
    PORT: "0",
    SERVICE_CREDENTIAL: "credential-of-the-tests",
    TOPOLOGY: join(directory, "topology.yaml"),
    DATABASE_URL: "postgres://nobody@127.0.0.1:9/nothing",
  };
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const run = (config: Record<string, string>) =>
  spawn(process.execPath, [MAIN], {
    env: { ...bareEnvironment, ...config },
    stdio: ["ignore", "pipe", "pipe"],
  });

describe("a configuration that will not do is one line and exit code 1", () => {
  test.each([
    [
      "nothing set",
      () => ({}),
      /^Configuration: PORT is not set; SERVICE_CREDENTIAL is not set; TOPOLOGY is not set; DATABASE_URL is not set\n$/,
    ],
    [
      "a wrong URL",
      () => ({ ...goodConfig, DATABASE_URL: "mysql://secret" }),
      /^Configuration: DATABASE_URL: is not a URL such as postgres:\/\/user:password@host:5432\/name\n$/,
    ],
    [
      "no topology",
      () => ({ ...goodConfig, TOPOLOGY: "missing.yaml" }),
      /^Topology missing\.yaml: cannot be read \(ENOENT\)\n$/,
    ],
    ["no database", () => goodConfig, /^DATABASE_URL: no connection: [^\n]*ECONNREFUSED[^\n]*\n$/],
  ])("%s", async (_what, config, line) => {
    const child = run(config());
    const [output, [code]] = await Promise.all([text(child.stderr), once(child, "exit")]);
    expect(output).toMatch(line);
    expect(code).toBe(1);
  });
});

test("the program serves until it is told to end, and ends with 0", async () => {
  const child = run({ ...goodConfig, DATABASE_URL: inject("postgresUrl") });
  const exited = once(child, "exit");
  const url = await loggedUrl(child.stdout);
  expect((await request(new URL("/health/ready", url))).statusCode).toBe(200);
  child.kill("SIGTERM");
  expect(await exited).toEqual([0, null]);
});

test("without its database it is live, not ready, and says nothing of what is inside", async () => {
  const catalog = await startTestCatalog();
  await catalog.dropDatabase();
  const health = (path: string) => request(new URL(`/health/${path}`, catalog.server.url));
  expect((await health("live")).statusCode).toBe(200);
  expect((await health("ready")).statusCode).toBe(503);
  const { data, errors } = await catalog.ask('{ product(id: "1") { id } }');
  expect(data).toEqual({ product: null });
  expect(errors).toEqual([
    expect.objectContaining({
      message: "A fault of ours. The details are in the service's log, under the same request id.",
      extensions: { code: "INTERNAL_SERVER_ERROR" },
    }),
  ]);
  await catalog.close();
});

/** The line that says where it serves; warnings about the database may come first. */
async function loggedUrl(output: Readable): Promise<string> {
  for await (const line of createInterface({ input: output })) {
    const { url } = JSON.parse(line) as { url?: string };
    if (url !== undefined) return url;
  }
  throw new Error("it ended without serving");
}
