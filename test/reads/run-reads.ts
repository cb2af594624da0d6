/** One run: a world, clients that read and write, faults, and what the checker found. */
import { setTimeout as delay } from "node:timers/promises";
import { openDatabase } from "@teranga/kit/postgres/database.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import { Agent, request } from "undici";
import { createRandom, type Random } from "../harness/random.ts";
import { type Post, type Reply, ShopClient, type Workload } from "./client.ts";
import { type Fault, hurt } from "./faults.ts";
import { ReadPromises, type Violation } from "./read-promises.ts";
import { nameOf, type Register, readOf } from "./registers.ts";
import { CITY, type ReadsWorld, startWorld } from "./world.ts";

export interface RunOptions {
  seed: string;
  /** The run ends after so many checked versions, or at the first violation if `stopsAtViolation`. */
  reads: number;
  clients: number;
  replicas: number;
  redisUrl?: string | undefined;
  moreFaults?: readonly Fault[];
  stopsAtViolation?: boolean;
  log: Logger;
  say: (line: string) => void;
}

export interface RunReport {
  violations: readonly Violation[];
  reads: number;
  faults: number;
  /** How often each kind of call came to what. */
  counts: ReadonlyMap<string, number>;
  seconds: number;
}

/** How old an answer without a token may be (docs/reads.md), and the time of an answer on the way. */
const STALENESS_MS = 5_000 + 500;
const PRODUCTS = 24;
const CLIENTS = 6;
const SEARCH = "register";
const PREPARE_MS = 20_000;
/** Each client waits so long at most between two calls. */
const REST_MS = 5;
const BY_HAND_EVERY_MS = 200;

export async function runReads(options: RunOptions): Promise<RunReport> {
  const startedMs = performance.now();
  const world = await startWorld(options);
  const agent = new Agent({ connections: 64, pipelining: 1 });
  try {
    const counts = new Map<string, number>();
    const work = await prepare(world, postBy(agent), counts);
    const faults = await drive(work, world, options);
    const seconds = (performance.now() - startedMs) / 1_000;
    return { violations: work.promises.violations, reads: work.promises.reads, faults, counts, seconds };
  } finally {
    await agent.close();
    await world.close();
  }
}

const postBy =
  (agent: Agent): Post =>
  async (url, body, headers, limitMs) => {
    const answer = await request(url, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
      dispatcher: agent,
      headersTimeout: limitMs,
      bodyTimeout: limitMs,
    });
    const token = answer.headers["teranga-session"];
    return {
      reply: (await answer.body.json()) as Reply,
      token: typeof token === "string" ? token : undefined,
    };
  };

const CREATE = `mutation Create($input: CreateProductInput!) {
  done: createProduct(input: $input) { ... on ProductCreated { product { id } } } }`;
const REGISTER = `mutation Register($input: RegisterClientInput!) {
  done: registerClient(input: $input) { ... on ClientRegistered { client { id } } } }`;
const RESTOCK = "mutation Restock($input: RestockInput!) { done: restock(input: $input) { __typename } }";

/** Makes the registers through the graph, and reads what they begin with. */
async function prepare(world: ReadsWorld, post: Post, counts: Map<string, number>): Promise<Workload> {
  const ask = async (query: string, variables: object) => {
    const document = { query, variables: variables as Record<string, unknown> };
    const { reply } = await post(world.gateways[0]!, document, {}, PREPARE_MS);
    if (reply.errors) throw new Error(JSON.stringify(reply.errors));
    return reply.data;
  };
  const productIds: string[] = [];
  for (let number = 1; number <= PRODUCTS; number++) {
    const { done } = await ask(CREATE, { input: { name: `Register ${number}`, price: 1 } });
    productIds.push(done.product.id);
    const input = { cityId: CITY, productId: done.product.id, quantity: 100_000 };
    await ask(RESTOCK, { input });
  }
  const clientIds: string[] = [];
  for (let number = 1; number <= CLIENTS; number++) {
    const input = { name: `Client ${number}`, email: `client${number}@example.sn`, town: "Dakar" };
    clientIds.push((await ask(REGISTER, { input })).done.client.id);
  }
  const registers: Register[] = [
    ...productIds.map((productId) => ({ kind: "price" as const, productId })),
    ...clientIds.map((clientId) => ({ kind: "wallet" as const, clientId })),
    ...clientIds.map((clientId) => ({ kind: "orders" as const, clientId })),
  ];
  const promises = new ReadPromises(STALENESS_MS);
  for (const register of registers) {
    const read = readOf(register);
    const data = await ask(read.query, read.variables);
    for (const [name, version] of read.versions(data)) promises.begins(name, version);
  }
  return {
    promises,
    gateways: world.gateways,
    registers,
    productIds,
    search: SEARCH,
    cityId: CITY,
    orderedId: productIds[0]!,
    beingWritten: new Set(),
    retired: new Set(),
    post,
    nowMs: () => performance.now(),
    count: (what) => counts.set(what, (counts.get(what) ?? 0) + 1),
  };
}

async function drive(work: Workload, world: ReadsWorld, options: RunOptions): Promise<number> {
  const { seed, reads, clients, moreFaults: more = [], stopsAtViolation = false, say } = options;
  const random = createRandom(seed);
  const end = new AbortController();
  const { promises } = work;
  const isOver = () =>
    end.signal.aborted || promises.reads >= reads || (stopsAtViolation && promises.violations.length > 0);
  const faults = hurt({ world, random: random.fork("faults"), delay, more, say }, end.signal);
  const byHand = raiseByHand(isOver, work, world, random.fork("by hand"));
  const acting = Array.from({ length: clients }, (_, index) =>
    actUntil(isOver, work, random.fork(`client ${index}`), index),
  );
  // A fault that could not be mended ends the run.
  const [happened] = await Promise.all([
    faults.finally(() => end.abort()),
    Promise.all([...acting, byHand]).finally(() => end.abort()),
  ]);
  return happened;
}

async function actUntil(isOver: () => boolean, work: Workload, random: Random, index: number): Promise<void> {
  // One in four has no token.
  const client = new ShopClient(work, {
    random,
    hasToken: index % 4 !== 3,
    writeShare: 0.08,
    name: `c${index}`,
  });
  while (!isOver()) {
    await client.act();
    await delay(random.next() * REST_MS);
  }
}

/** Raises prices past the services, as a person with psql does. */
async function raiseByHand(
  isOver: () => boolean,
  work: Workload,
  { servers: { catalog } }: ReadsWorld,
  random: Random,
): Promise<void> {
  const { promises, productIds, beingWritten, retired, nowMs, count } = work;
  while (!isOver()) {
    await delay(random.between(1, BY_HAND_EVERY_MS));
    const productId = random.pick(productIds);
    const name = nameOf({ kind: "price", productId });
    if (beingWritten.has(name) || retired.has(name)) continue;
    beingWritten.add(name);
    const url = catalog.urlOf(catalog.primary);
    const database = openDatabase({ url, applicationName: "by hand", connections: 1 });
    const price = promises.attempts(name);
    try {
      await database.sql`update product set price = ${price} where id = ${productId}`;
      promises.acknowledged(name, price, nowMs());
      count("written by hand");
    } catch {
      // It may still happen.
      retired.add(name);
    } finally {
      beingWritten.delete(name);
      await database.close();
    }
  }
}
