/** The shop of a run as its clients see it: its registers, and the way to ask. */
import { Agent, request } from "undici";
import type { Post, Reply, Workload } from "./client.ts";
import { ReadPromises } from "./read-promises.ts";
import { type Register, readOf } from "./registers.ts";
import { CITY, type ReadsWorld, startWorld, type WorldOptions } from "./world.ts";

export interface Shop {
  world: ReadsWorld;
  work: Workload;
  /** How often each kind of call came to what. */
  counts: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

/** How old an answer without a token may be (docs/reads.md), and the time of an answer on the way. */
const STALENESS_MS = 5_000 + 500;
const PRODUCTS = 24;
const CLIENTS = 6;
const SEARCH = "register";
const PREPARE_MS = 20_000;
const TRIES_MAX = 10;

export async function openShop(options: WorldOptions): Promise<Shop> {
  const world = await startWorld(options);
  const agent = new Agent({ connections: 64, pipelining: 1 });
  const close = async () => {
    await agent.close();
    await world.close();
  };
  try {
    const counts = new Map<string, number>();
    return { world, work: await prepare(world, postBy(agent), counts), counts, close };
  } catch (error) {
    await close();
    throw error;
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
    // A machine that is busy may answer too late. Each mutation has a key, so it happens once.
    for (let tries = 1; ; tries++) {
      const { reply } = await post(world.gateways[0]!, document, {}, PREPARE_MS);
      if (!reply.errors) return reply.data;
      if (tries >= TRIES_MAX) throw new Error(JSON.stringify(reply.errors));
    }
  };
  const productIds: string[] = [];
  for (let number = 1; number <= PRODUCTS; number++) {
    const { done } = await ask(CREATE, {
      input: { name: `Register ${number}`, price: 1, idempotencyKey: `register ${number}` },
    });
    productIds.push(done.product.id);
    const stocked = { cityId: CITY, productId: done.product.id, quantity: 100_000 };
    await ask(RESTOCK, { input: { ...stocked, idempotencyKey: `stock ${number}` } });
  }
  const clientIds: string[] = [];
  for (let number = 1; number <= CLIENTS; number++) {
    const input = { name: `Client ${number}`, email: `client${number}@example.sn`, town: "Dakar" };
    const { done } = await ask(REGISTER, { input: { ...input, idempotencyKey: `client ${number}` } });
    clientIds.push(done.client.id);
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
    retiredUntilMs: new Map(),
    isByHandOnly: false,
    post,
    nowMs: () => performance.now(),
    count: (what) => counts.set(what, (counts.get(what) ?? 0) + 1),
  };
}
