/**
 * Goal: the program starts with the documented command line and refuses what it cannot use. Method: running
 * it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startSubgraphServer } from "@teranga/kit/http/server.ts";
import { compose } from "@teranga/schema/compose.ts";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { bareEnvironment } from "../../kit/test/bare-environment.ts";
import { CREDENTIAL } from "./fixture/branch-service.ts";
import { ask, librarySupergraph, log } from "./fixture/library.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "gateway-test-"));
});
afterAll(() => rm(directory, { recursive: true }));

const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGKILL");
    await once(child, "exit");
  }
});

function run(args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...bareEnvironment, ...env } });
  children.push(child);
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (text) => {
    output.stdout += text;
  });
  child.stderr.on("data", (text) => {
    output.stderr += text;
  });
  return { child, output };
}

/** Runs the program to its end. Returns the exit code and the standard error. */
async function failure(args: string[], env?: Record<string, string>): Promise<[number, string]> {
  const { child, output } = run(args, env);
  const [code] = (await once(child, "close")) as [number];
  return [code, output.stderr];
}

async function file(name: string, text: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, text);
  return path;
}

test("any federated graph runs from its supergraph, and ends on SIGTERM", async () => {
  const subgraph = (typeDefs: string, resolvers: object) =>
    startSubgraphServer({
      subgraph: "main",
      typeDefs,
      resolvers,
      createContext: () => ({}),
      credential: CREDENTIAL,
      port: 0,
      log,
      checkReady: async () => {},
    });
  const link = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])`;
  const people = `${link} type Query { me: Person } type Person @key(fields: "id") { id: ID! name: String! }`;
  const posts = `${link} type Person @key(fields: "id") { id: ID! posts: [String!]! }`;
  const servers = [
    await subgraph(people, { Query: { me: () => ({ id: "1", name: "Fatou" }) } }),
    await subgraph(posts, { Person: { posts: ({ id }: { id: string }) => [`post of ${id}`] } }),
  ];
  const { supergraphSdl } = compose([
    { name: "people", url: servers[0]!.url, sdl: people },
    { name: "posts", url: servers[1]!.url, sdl: posts },
  ]);
  const path = await file("people.graphql", supergraphSdl);
  const { child, output } = run(["--supergraph", path, "--port", "0"], { SERVICE_CREDENTIAL: CREDENTIAL });
  while (!output.stdout.includes("the gateway is up")) await once(child.stdout!, "data");
  const url = /"url":"([^"]+)"/.exec(output.stdout)![1]!;
  expect(await ask(url, "{ me { name posts } }")).toMatchObject({
    data: { me: { name: "Fatou", posts: ["post of 1"] } },
  });
  child.kill("SIGTERM");
  expect(await once(child, "exit")).toEqual([0, null]);
  expect(output.stdout).toContain('"engine":"teranga"');
  expect(output.stdout).not.toContain(CREDENTIAL);
  for (const server of servers) await server.close();
});

test("a missing variable, an unreadable file and an unknown option are one line each", async () => {
  expect(await failure([])).toEqual([
    1,
    "Configuration: SERVICE_CREDENTIAL is not set; TOPOLOGY is not set\n",
  ]);
  const missing = join(directory, "missing.graphql");
  expect(await failure(["--supergraph", missing])).toEqual([
    1,
    `Supergraph ${missing}: cannot be read (ENOENT)\n`,
  ]);
  const [code, line] = await failure(["--supergaph", missing]);
  expect([code, line.split("\n").length]).toEqual([1, 2]);
});

test("a file that is not a supergraph, or needs a topology, is one line", async () => {
  for (const [text, reason] of [
    ["type Query {", /^Supergraph: Syntax Error[^\n]+\n$/],
    ["type Query { a: Int }", /^Supergraph: it names no subgraph[^\n]+\n$/],
    [librarySupergraph(), /^The subgraph "branch" is partitioned: set TOPOLOGY [^\n]+\n$/],
  ] as const) {
    const [code, line] = await failure(["--supergraph", await file("graph.graphql", text), "--port", "0"]);
    expect(line).toMatch(reason);
    expect(code).toBe(1);
  }
});

test("a taken port is one line", async () => {
  const other = createServer();
  other.listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as { port: number };
  const sdl = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3") type Query { a: Int }`;
  const { supergraphSdl } = compose([{ name: "a", url: "http://a.example/graphql", sdl }]);
  const path = await file("a.graphql", supergraphSdl);
  expect(await failure(["--supergraph", path, "--port", String(port)])).toEqual([
    1,
    `Port ${port} is taken\n`,
  ]);
  await new Promise((resolve) => other.close(resolve));
});
