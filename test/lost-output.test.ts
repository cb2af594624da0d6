/**
 * Goal: the gateway serves and ends even if its log is lost. Method: gateways whose output cannot be written.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "@teranga/infra/ports.ts";
import { compose } from "@teranga/schema/compose.ts";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { bareEnvironment } from "../kit/test/bare-environment.ts";

const MAIN = fileURLToPath(new URL("../gateway/src/main.ts", import.meta.url));
/** A pipe holds 64 kB, a pair of sockets some 200 kB. The log lines of this many requests are larger. */
const REQUESTS = 800;

let directory: string;
let supergraph: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "lost-output-"));
  supergraph = join(directory, "supergraph.graphql");
  const sdl = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3") type Query { a: Int }`;
  await writeFile(supergraph, compose([{ name: "a", url: "http://127.0.0.1:1/graphql", sdl }]).supergraphSdl);
});
afterAll(() => rm(directory, { recursive: true }));

let child: ChildProcess | undefined;
afterEach(() => void child?.kill("SIGKILL"));

/** Starts the gateway and waits until it is ready. */
async function start(output: number | "pipe") {
  const port = await freePort();
  child = spawn(process.execPath, [MAIN, "--supergraph", supergraph, "--port", String(port)], {
    env: { ...bareEnvironment, NODE_ENV: "development" },
    stdio: ["ignore", output, output],
  });
  if (output === "pipe") child.stderr!.resume();
  const base = `http://127.0.0.1:${port}`;
  await until(async () => (await fetch(`${base}/health/ready`)).ok);
  return { url: `${base}/graphql`, child };
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo().catch(() => false))) {
    if (child!.exitCode !== null) throw new Error(`it has ended with ${child!.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function expectToServe(url: string): Promise<void> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: `query ${"A".repeat(100)} { __typename }` }),
  });
  expect(await answer.json()).toEqual({ data: { __typename: "Query" } });
}

async function expectToEnd(): Promise<void> {
  child!.kill("SIGTERM");
  expect(await once(child!, "exit")).toEqual([0, null]);
}

test("on a full disk", async () => {
  const full = await open("/dev/full", "w");
  const { url } = await start(full.fd);
  await full.close();
  await expectToServe(url);
  await expectToEnd();
});

test("with a pipe that was closed", async () => {
  const { url, child: gateway } = await start("pipe");
  gateway.stdout!.destroy();
  await once(gateway.stdout!, "close");
  for (let request = 0; request < 3; request++) await expectToServe(url);
  await expectToEnd();
});

test("with a pipe that nobody reads", async () => {
  const { url } = await start("pipe");
  for (let done = 0; done < REQUESTS; done += 50)
    await Promise.all(Array.from({ length: 50 }, () => expectToServe(url)));
  await expectToEnd();
});
