/**
 * Goal: no request fails while the topology is replaced again and again under load. Method: real services in
 * several places and versions, a topology file that changes, and clients that ask without a pause and know
 * every answer. TEST_RELOADS=1000 is the long run.
 */
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startBookService } from "@teranga/gateway/fixture/book-service.ts";
import { BRANCH_SDL, CREDENTIAL, startBranchService } from "@teranga/gateway/fixture/branch-service.ts";
import { ask, log as silent } from "@teranga/gateway/fixture/library.ts";
import { startGateway } from "@teranga/gateway/gateway.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import { closeAll } from "@teranga/kit/process/shutdown.ts";
import { loadTopology } from "@teranga/kit/topology/topology.ts";
import { afterAll, beforeAll, expect, test, vi } from "vitest";

const RELOADS = Number(process.env.TEST_RELOADS ?? 15);
const CLIENTS = 6;
/** A URL at which nothing listens. */
const NOBODY = "http://127.0.0.1:1/graphql";

let folder: string;
let file: string;
const closers: { name: string; close: () => Promise<void> }[] = [];
const branches: Record<string, string[]> = {};
const books: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "reload-"));
  file = join(folder, "topology.yaml");
  for (const id of ["north", "south", "west", "east"]) {
    branches[id] = [];
    for (let instance = 0; instance < 2; instance++) {
      // The second instances have another version, so that the graph changes too.
      const typeDefs = instance === 0 ? BRANCH_SDL : BRANCH_SDL.replace("greetings: Int!", "greetings: Int");
      const server = await startBranchService({ owned: [id], log: silent, typeDefs });
      closers.push({ name: id, close: server.close });
      branches[id].push(server.url);
    }
  }
  for (let instance = 0; instance < 2; instance++) {
    const server = await startBookService({ log: silent });
    closers.push({ name: "books", close: server.close });
    books.push(server.url);
  }
});
afterAll(async () => {
  await closeAll(closers.reverse());
  await rm(folder, { recursive: true });
});

/**
 * The contents of the file in turn: cities and instances that come, go and move. Two successive ones always
 * differ.
 */
const VARIANTS: (() => { branches: Record<string, string[]>; books: string[] })[] = [
  () => ({ branches: at(0), books: [books[0]!] }),
  () => ({ branches: at(1), books: [books[0]!] }),
  () => ({ branches: { ...at(0), east: branches.east! }, books }),
  () => ({ branches: at(0, 1), books: [books[1]!] }),
  () => ({ branches: at(1, 0), books: [NOBODY, books[1]!] }),
  () => ({
    branches: Object.fromEntries(Object.entries(at(1)).map(([id, urls]) => [id, [NOBODY, ...urls]])),
    books,
  }),
];

function at(...instances: number[]): Record<string, string[]> {
  return Object.fromEntries(
    ["north", "south", "west"].map((id) => [id, instances.map((instance) => branches[id]![instance]!)]),
  );
}

/** Replaces the file by a rename, as editors do. */
async function writeTopology(number: number): Promise<void> {
  const variant = VARIANTS[number % VARIANTS.length]!();
  const partitions = Object.entries(variant.branches).map(([id, urls], index) => [
    id,
    { name: id, default: index === 0, location: { latitude: index, longitude: 0 }, urls },
  ]);
  const branch = { partitions: Object.fromEntries(partitions) };
  await writeFile(
    `${file}.new`,
    JSON.stringify({ subgraphs: { branch, books: { replicas: variant.books } } }),
  );
  await rename(`${file}.new`, file);
}

/** The clients' queries with the data that a right answer contains. Each query goes to other services. */
const QUESTIONS: { query: string; data: object }[] = [
  {
    query: `{ reader(id: "south:2") { id name } }`,
    data: { reader: { id: "south:2", name: "south reader 2" } },
  },
  {
    query: `{ a: reader(id: "north:1") { id } b: reader(id: "west:1") { id } book(isbn: "100") { title } }`,
    data: { a: { id: "north:1" }, b: { id: "west:1" }, book: { title: "Xala" } },
  },
  {
    query: `{ branches { id } }`,
    data: { branches: expect.arrayContaining([{ id: "north" }, { id: "south" }, { id: "west" }]) },
  },
  {
    query: `mutation { greet(input: { readerId: "west:1" }) { id greetings } }`,
    data: { greet: { id: "west:1", greetings: expect.any(Number) } },
  },
];

test(`${RELOADS} reloads under load, and no failed request`, {
  timeout: 60_000 + RELOADS * 500,
}, async () => {
  await writeTopology(0);
  let changes = 0;
  let graphs = 0;
  const log = createLogger("gateway", "info", {
    write(line) {
      if (line.includes("the topology has changed")) changes++;
      if (line.includes("the graph has changed")) graphs++;
    },
  });
  const topology = await loadTopology(file);
  const gateway = await startGateway({
    source: { kind: "topology", topology, topologyFile: file },
    credential: CREDENTIAL,
    port: 0,
    log,
  });
  closers.push({ name: "the gateway", close: gateway.close });

  let over = false;
  const client = async (first: number) => {
    let answers = 0;
    for (let number = first; !over; number++) {
      const { query, data } = QUESTIONS[number % QUESTIONS.length]!;
      const { status, headers: _, ...answer } = await ask(gateway.url, query);
      expect({ status, answer }, `after ${changes} changes: ${query}`).toEqual({
        status: 200,
        answer: { data },
      });
      answers++;
    }
    return answers;
  };
  const reload = async () => {
    for (let number = 1; number <= RELOADS && !over; number++) {
      await writeTopology(number);
      await vi.waitFor(() => expect(changes).toBe(number), { timeout: 10_000, interval: 2 });
    }
  };
  const end = () => {
    over = true;
  };
  // A client that fails ends the others. The reloads end all clients when they are done.
  const clients = Array.from({ length: CLIENTS }, (_, index) => client(index).finally(end));
  await Promise.all([...clients, reload().finally(end)]);
  const answers = (await Promise.all(clients)).reduce((sum, count) => sum + count, 0);
  expect(answers).toBeGreaterThan(RELOADS);
  expect(graphs).toBeGreaterThan(0);
});
