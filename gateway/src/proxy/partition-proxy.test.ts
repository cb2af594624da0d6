/**
 * Goal: the partition proxy follows its services: their schemas, their places, and whether they are there at
 * all.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { RunningServer } from "@teranga/kit/http/listen.ts";
import { IDENTITY_HEADER } from "@teranga/kit/identity/assertion.ts";
import { afterEach, expect, test, vi } from "vitest";
import { bareEnvironment } from "../../../kit/test/bare-environment.ts";
import { BRANCH_SDL, CREDENTIAL, startBranchService } from "../fixture/branch-service.ts";
import { type Answer, ask, libraryTopology, log } from "../fixture/library.ts";
import { type PartitionProxyOptions, startPartitionProxy } from "./partition-proxy.ts";

const running: RunningServer[] = [];
afterEach(async () => {
  for (const server of running.splice(0).reverse()) await server.close();
});

async function started<Server extends RunningServer>(starting: Promise<Server>): Promise<Server> {
  const server = await starting;
  running.push(server);
  return server;
}

const startBranch = (id: string, typeDefs = BRANCH_SDL, port = 0, onRequest = () => {}) =>
  started(startBranchService({ owned: [id], typeDefs, port, onRequest, log }));

/** No server listens there. */
const NOWHERE = "http://127.0.0.1:1/graphql";

/** @param urls where the branches are; the others are nowhere */
const topologyOf = (urls: Record<string, string>) => {
  const { north = NOWHERE, south = NOWHERE, west = NOWHERE } = urls;
  return libraryTopology({ north: [north], south: [south], west: [west] }, [NOWHERE]);
};

const startProxy = (urls: Record<string, string>, options: Partial<PartitionProxyOptions> = {}) =>
  started(
    startPartitionProxy({
      subgraph: "branch",
      topology: topologyOf(urls),
      credential: CREDENTIAL,
      port: 0,
      log,
      schemaPollMs: 20,
      ...options,
    }),
  );

const askProxy = (url: string, query: string): Promise<Answer> =>
  ask(url, query, {}, { authorization: `Bearer ${CREDENTIAL}` });

const NEWER = BRANCH_SDL.replace("  secret: String", "  secret: String\n  nickname: String");
const SHARED = BRANCH_SDL.replace('["@key",', '["@key", "@shareable",').replace(
  "  secret: String",
  "  secret: String @shareable",
);
const NICKNAME = '{ reader(id: "north:1") { nickname } }';

test("what all partitions can answer is offered, as it changes", async () => {
  const north = await startBranch("north", NEWER);
  const south = await startBranch("south");
  const proxy = await startProxy({ north: north.url, south: south.url });
  const codesOf = async () =>
    (await askProxy(proxy.url, NICKNAME)).errors?.map(({ extensions }) => extensions.code);
  expect(await codesOf()).toEqual(["GRAPHQL_VALIDATION_FAILED"]);

  running.splice(running.indexOf(south), 1);
  await south.close();
  await startBranch("south", NEWER, south.port);
  await vi.waitFor(async () => expect(await codesOf()).toBeUndefined(), { timeout: 10_000, interval: 20 });
  const { data } = await askProxy(proxy.url, NICKNAME);
  expect(data).toEqual({ reader: { nickname: null } });
});

test("a schema that cannot be split is not taken up, and is said once", async () => {
  const north = await startBranch("north");
  const faults: unknown[] = [];
  let polls = 0;
  const noting = Object.assign(Object.create(log) as typeof log, {
    error: (line: unknown) => faults.push(line),
  });
  const proxy = await startProxy({ north: north.url }, { log: noting });
  running.splice(running.indexOf(north), 1);
  await north.close();
  await startBranch("north", BRANCH_SDL.replace(" @gather\n", "\n"), north.port, () => {
    polls++;
  });
  await vi.waitFor(() => expect(polls).toBeGreaterThan(5), { timeout: 10_000, interval: 20 });
  const branches = async () => (await askProxy(proxy.url, "{ branches { id } }")).data;
  await vi.waitFor(
    async () => expect(await branches()).toMatchObject({ branches: [{ id: "north" }, null, null] }),
    {
      timeout: 10_000,
      interval: 20,
    },
  );
  expect(faults).toEqual([expect.stringContaining("Query.branches")]);
});

test("what only routers read of the schema is taken up too", async () => {
  const north = await startBranch("north");
  const proxy = await startProxy({ north: north.url });
  const sdl = async () => (await askProxy(proxy.url, "{ _service { sdl } }")).data._service.sdl;
  expect(await sdl()).not.toContain("secret: String @shareable");
  running.splice(running.indexOf(north), 1);
  await north.close();
  await startBranch("north", SHARED, north.port);
  const isTaken = async () => expect(await sdl()).toContain("secret: String @shareable");
  await vi.waitFor(isTaken, { timeout: 10_000, interval: 20 });
});

test("a partition that moves is asked where it is now, and one that goes is unknown", async () => {
  const [one, other] = [await startBranch("south"), await startBranch("south")];
  const proxy = await startProxy({ south: one.url });
  const reader = async (id: string) =>
    (await askProxy(proxy.url, `{ reader(id: "${id}") { name } }`)).data.reader;
  expect(await reader("south:1")).toEqual({ name: "south reader 1" });

  running.splice(running.indexOf(one), 1);
  await proxy.update(topologyOf({ south: other.url }));
  await one.close();
  expect(await reader("south:2")).toEqual({ name: "south reader 2" });
});

test("keys that are written as literals keep their digits", async () => {
  const north = await startBranch("north");
  const proxy = await startProxy({ north: north.url });
  const key = (id: string) =>
    askProxy(proxy.url, `{ _entities(representations: { __typename: "Reader", id: ${id} }) { __typename } }`);
  expect((await key("9007199254740993")).errors?.[0]?.message).toBe('There is no branch "9007199254740993".');
  expect((await key('"north:1"')).data).toEqual({ _entities: [{ __typename: "Reader" }] });
});

test("an operation's own directives reach the services with their variables", async () => {
  const north = await startBranch("north", `${BRANCH_SDL}\ndirective @note(text: String) on QUERY`);
  const proxy = await startProxy({ north: north.url });
  const query = (field: string) => `query ($text: String) @note(text: $text) { ${field} }`;
  const entity = '_entities(representations: { __typename: "Reader", id: "north:1" }) { __typename }';
  expect(await askProxy(proxy.url, query(entity))).toMatchObject({
    data: { _entities: [{ __typename: "Reader" }] },
  });
  expect((await askProxy(proxy.url, query('branch(id: "north") { id }'))).data).toEqual({
    branch: { id: "north" },
  });
});

test("it passes on who asks, as it was said, and tells the directives that say who may", async () => {
  const guarded = BRANCH_SDL.replace('["@key",', '["@key", "@authenticated",').replace(
    "  secret: String",
    "  secret: String @authenticated",
  );
  const said: unknown[] = [];
  const city = createServer((request, response) => {
    said.push(request.headers[IDENTITY_HEADER]);
    let body = "";
    request.on("data", (piece) => {
      body += piece;
    });
    request.on("end", () => {
      const data = body.includes("_service") ? { _service: { sdl: guarded } } : { reader: { name: "Awa" } };
      response.setHeader("content-type", "application/json").end(JSON.stringify({ data }));
    });
  });
  await once(city.listen(0, "127.0.0.1"), "listening");
  const proxy = await startProxy({
    north: `http://127.0.0.1:${(city.address() as AddressInfo).port}/graphql`,
  });
  const headers = { authorization: `Bearer ${CREDENTIAL}`, [IDENTITY_HEADER]: "who asks" };
  expect((await ask(proxy.url, '{ reader(id: "north:1") { name } }', {}, headers)).data).toEqual({
    reader: { name: "Awa" },
  });
  expect(said).toContain("who asks");
  expect((await askProxy(proxy.url, '{ reader(id: "north:2") { name } }')).data).toEqual({
    reader: { name: "Awa" },
  });
  expect(said.at(-1)).toBeUndefined();
  expect((await askProxy(proxy.url, "{ _service { sdl } }")).data._service.sdl).toContain(
    "secret: String @authenticated",
  );
  city.closeAllConnections();
  city.close();
});

test("it waits for the first partition, and gives up with a line", async () => {
  await expect(startProxy({}, { startupWaitMs: 100 })).rejects.toThrow(
    'No service of the subgraph "branch" answered within 0 s',
  );
});

test("a subgraph that cannot be split is refused with the reason", async () => {
  const north = await startBranch("north", BRANCH_SDL.replace(" @gather\n", "\n"));
  await expect(startProxy({ north: north.url })).rejects.toThrow(
    'Query.branches of the partitioned subgraph "branch" needs @partition(by:), @gather or @merge',
  );
});

const MAIN = fileURLToPath(new URL("../partition-proxy.ts", import.meta.url));

function run(args: readonly string[], env: Record<string, string>) {
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...bareEnvironment, ...env } });
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (text) => {
    output.stdout += text;
  });
  child.stderr.on("data", (text) => {
    output.stderr += text;
  });
  return { child, output };
}

test("as a process: what is wrong is one line, and SIGTERM ends it in order", async () => {
  const missing = run(["--port", "0"], {});
  expect(await once(missing.child, "exit")).toEqual([1, null]);
  expect(missing.output.stderr).toBe("Configuration: SERVICE_CREDENTIAL is not set; TOPOLOGY is not set\n");

  const directory = await mkdtemp(join(tmpdir(), "proxy-"));
  const file = join(directory, "topology.yaml");
  const north = await startBranch("north");
  const partition = {
    name: "North",
    default: true,
    location: { latitude: 0, longitude: 0 },
    urls: [north.url],
  };
  await writeFile(file, JSON.stringify({ subgraphs: { branch: { partitions: { north: partition } } } }));
  const env = { SERVICE_CREDENTIAL: CREDENTIAL, TOPOLOGY: file };
  const { child, output } = run(["--subgraph", "branch", "--port", "0"], env);
  await vi.waitFor(() => expect(output.stdout).toContain('"ready"'), { timeout: 20_000, interval: 20 });
  const { url } = JSON.parse(output.stdout.trim().split("\n").at(-1)!) as { url: string };
  expect((await askProxy(url, "{ branches { id } }")).data).toEqual({ branches: [{ id: "north" }] });
  child.kill("SIGTERM");
  expect(await once(child, "exit")).toEqual([0, null]);
  await rm(directory, { recursive: true });
});
