/**
 * Goal: a gateway starts with the graph that its services serve, and never with a faulty one. Method: real
 * services.
 */
import type { RunningServer } from "@teranga/kit/http/listen.ts";
import { afterEach, expect, test, vi } from "vitest";
import { startBookService } from "./fixture/book-service.ts";
import { BRANCH_SDL, CREDENTIAL, startBranchService } from "./fixture/branch-service.ts";
import { ask, librarySupergraph, libraryTopology, log } from "./fixture/library.ts";
import { type GatewayOptions, startGateway } from "./gateway.ts";

const NOBODY = "http://127.0.0.1:1/graphql";

const running: RunningServer[] = [];
afterEach(async () => {
  for (const server of running.splice(0).reverse()) await server.close();
});

async function branch(id: string, typeDefs?: string, port?: number): Promise<string> {
  const options = { owned: [id], log, ...(typeDefs && { typeDefs }), ...(port && { port }) };
  const server = await startBranchService(options);
  running.push(server);
  return server.url;
}

async function books(): Promise<string> {
  const server = await startBookService({ log });
  running.push(server);
  return server.url;
}

async function gateway(
  branches: Record<string, string[]>,
  bookUrls: string[],
  options: Partial<GatewayOptions> = {},
): Promise<RunningServer> {
  const server = await startGateway({
    source: options.source ?? { kind: "topology", topology: libraryTopology(branches, bookUrls) },
    credential: CREDENTIAL,
    port: 0,
    log,
    startupWaitMs: 5_000,
    ...options,
  });
  running.push(server);
  return server;
}

test("partitions of two versions: what all of them have is offered, and the rest as soon as they do", async () => {
  const newer = BRANCH_SDL.replace("greetings: Int!", "greetings: Int! motto: String");
  const branches = {
    north: [await branch("north", newer)],
    south: [await branch("south")],
    west: [await branch("west", newer)],
  };
  const south = running.at(-2)!;
  const { url } = await gateway(branches, [await books()], { schemaPollMs: 20 });
  const query = `{ reader(id: "north:1") { name motto } }`;
  expect((await ask(url, query)).errors).toMatchObject([
    { extensions: { code: "GRAPHQL_VALIDATION_FAILED" } },
  ]);
  running.splice(running.indexOf(south), 1);
  await south.close();
  await branch("south", newer, south.port);
  const answer = { data: { reader: { name: "north reader 1", motto: null } } };
  await vi.waitFor(async () => expect(await ask(url, query)).toMatchObject(answer), { timeout: 5_000 });
});

test("a broken rule stops the start", async () => {
  const sdl = BRANCH_SDL.replace('branch(id: ID!): Branch @partition(by: "id")', "branch(id: ID!): Branch");
  const branches = { north: [await branch("north", sdl)], south: [NOBODY], west: [NOBODY] };
  await expect(gateway(branches, [await books()])).rejects.toThrow(
    'Query.branch of the partitioned subgraph "branch" needs @partition(by:), @gather or @merge',
  );
});

test("subgraphs that do not compose are refused on one line", async () => {
  const sdl = BRANCH_SDL.replace(
    'type Book @key(fields: "isbn", resolvable: false) {\n  isbn: ID!',
    'type Book @key(fields: "isbn", resolvable: false) {\n  isbn: Int!',
  );
  const branches = { north: [await branch("north", sdl)], south: [NOBODY], west: [NOBODY] };
  await expect(gateway(branches, [await books()])).rejects.toThrow(
    /^The subgraphs do not fit together: [^\n]+$/,
  );
});

test("a subgraph that nobody serves is named when the wait is over", async () => {
  const branches = { north: [await branch("north")], south: [NOBODY], west: [NOBODY] };
  await expect(gateway(branches, [NOBODY], { startupWaitMs: 300 })).rejects.toThrow(
    'No service of the subgraph "books" answered within 0 s',
  );
});

test("services may come up after the gateway has been started", async () => {
  const bookUrl = await books();
  const first = await branch("north");
  const server = running.pop()!;
  await server.close();
  const starting = gateway({ north: [first], south: [NOBODY], west: [NOBODY] }, [bookUrl]);
  await branch("north", undefined, server.port);
  const { url } = await starting;
  expect(await ask(url, `{ reader(id: "north:1") { id } }`)).toMatchObject({
    data: { reader: { id: "north:1" } },
  });
});

test("the next instance answers when one is down, for a partition as for replicas", async () => {
  const branches = { north: [NOBODY, await branch("north")], south: [await branch("south")], west: [NOBODY] };
  const { url } = await gateway(branches, [NOBODY, await books()]);
  const query = `{ book(isbn: "100") { title } reader(id: "north:1") { name } }`;
  expect(await ask(url, query)).toMatchObject({
    data: { book: { title: "Xala" }, reader: { name: "north reader 1" } },
  });
  const mutation = `mutation { greet(input: { readerId: "north:1" }) { greetings } }`;
  expect(await ask(url, mutation)).toMatchObject({ data: { greet: { greetings: 1 } } });
});

test("a supergraph from elsewhere and a topology are enough; nobody is asked for a schema", async () => {
  const topology = libraryTopology({ north: [NOBODY], south: [await branch("south")], west: [NOBODY] }, [
    NOBODY,
  ]);
  const source = { kind: "supergraph", supergraphSdl: librarySupergraph(), topology } as const;
  const { url } = await gateway({}, [], { source });
  expect(await ask(url, `{ reader(id: "south:1") { name } branches { id } }`)).toMatchObject({
    data: { reader: { name: "south reader 1" }, branches: [null, { id: "south" }, null] },
    errors: [{ path: ["branches", 0] }, { path: ["branches", 2] }],
  });
});
