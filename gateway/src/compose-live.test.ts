/** Goal: the graph that a gateway starts with is the one its services serve. Method: real services, some of them different. */
import type { Logger } from "@teranga/kit/log.ts";
import type { RunningServer } from "@teranga/kit/server.ts";
import { afterEach, expect, test, vi } from "vitest";
import { startBookService } from "./fixture/book-service.ts";
import { BRANCH_SDL, CREDENTIAL, startBranchService } from "./fixture/branch-service.ts";
import { ask, librarySupergraph, libraryTopology, log } from "./fixture/library.ts";
import { type GatewayOptions, startGateway } from "./gateway.ts";

const OTHER_SDL = BRANCH_SDL.replace("greetings: Int!", "greetings: Int");
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

test("partitions that serve different schemas are named, with the first line that differs", async () => {
  const branches = {
    north: [await branch("north")],
    south: [await branch("south")],
    west: [await branch("west", OTHER_SDL)],
  };
  await expect(gateway(branches, [await books()])).rejects.toThrow(
    /^All partitions of "branch" must serve the same schema, but west differs from north at line \d+: "greetings: Int" instead of "greetings: Int!"$/,
  );
});

test("a broken rule stops the start", async () => {
  const sdl = BRANCH_SDL.replace('branch(id: ID!): Branch @partition(by: "id")', "branch(id: ID!): Branch");
  const branches = { north: [await branch("north", sdl)], south: [NOBODY], west: [NOBODY] };
  await expect(gateway(branches, [await books()])).rejects.toThrow(
    'Query.branch of the partitioned subgraph "branch" needs @partition(by:) or @gather',
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

test("a partition that comes up late with another schema is reported", async () => {
  const west = await branch("west", OTHER_SDL);
  const server = running.pop()!;
  await server.close();
  const error = vi.fn();
  const watching = {
    ...log,
    child: () => log,
    info: vi.fn(),
    warn: vi.fn(),
    debug: vi.fn(),
    error,
  } as unknown as Logger;
  const north = await branch("north");
  await gateway({ north: [north], south: [await branch("south")], west: [west] }, [await books()], {
    log: watching,
    lateCheckIntervalMs: 20,
  });
  expect(error).not.toHaveBeenCalled();
  await branch("west", OTHER_SDL, server.port);
  await vi.waitFor(() => expect(error).toHaveBeenCalledTimes(1), { timeout: 5_000 });
  expect(error.mock.calls[0]![0]).toContain("west differs from the supergraph");
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
