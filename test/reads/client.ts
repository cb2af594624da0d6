/**
 * A client of the shop that reads and writes registers through any of the gateways, and checks what it reads.
 * It hands its token on from answer to request; some clients have none.
 */
import type { Random } from "../harness/random.ts";
import { type ReadPromises, SessionPromises } from "./read-promises.ts";
import {
  type Document,
  nameOf,
  type Read,
  type Register,
  readList,
  readOf,
  readStocked,
  writeOf,
} from "./registers.ts";

/** The token's header, in requests and in answers (docs/reads.md). */
const SESSION_HEADER = "teranga-session";
/** Longer than the gateway's own limit, because a client that leaves earlier learns less. */
const ANSWER_LIMIT_MS = 20_000;
const REPEATS_MAX = 20;

/** What all clients share. */
export interface Workload {
  promises: ReadPromises;
  /** The GraphQL endpoints of the gateways. */
  gateways: readonly string[];
  registers: readonly Register[];
  /** The ids of the products of `price` registers; one search finds them all. */
  productIds: readonly string[];
  search: string;
  /** The city whose stock refers to them, and the product that orders are for. */
  cityId: string;
  orderedId: string;
  /** Prices that a client writes at the moment. Others do not write them. */
  beingWritten: Set<string>;
  /** Prices whose last write had an unknown outcome: nobody writes them while it may still happen. */
  retiredUntilMs: Map<string, number>;
  /** At the moment no client writes prices. */
  isByHandOnly: boolean;
  /** Asks an endpoint. Rejects if it gives no answer. */
  post: Post;
  nowMs: () => number;
  /** Counts what came of the calls. */
  count: (what: string) => void;
}

/** No statement that was sent is carried out later than that: all have a deadline, or hold the row. */
const RETIRED_MS = 15_000;

/** Whether a price may be written. */
export function mayWrite({ beingWritten, retiredUntilMs, nowMs }: Workload, price: string): boolean {
  return !beingWritten.has(price) && nowMs() >= (retiredUntilMs.get(price) ?? 0);
}

/** The outcome of a write is unknown. */
export function retire({ retiredUntilMs, nowMs }: Workload, price: string): void {
  retiredUntilMs.set(price, nowMs() + RETIRED_MS);
}

export interface Reply {
  // biome-ignore lint/suspicious/noExplicitAny: the document decides the shape
  data?: any;
  errors?: { message: string; extensions?: { code?: string } }[];
  extensions?: { explain?: { fetches: { subgraph: string; readFrom?: string }[] } };
}

export type Post = (
  url: string,
  body: Document,
  headers: Record<string, string>,
  limitMs: number,
) => Promise<{ reply: Reply; token: string | undefined }>;

export interface ClientOptions {
  random: Random;
  hasToken: boolean;
  /** The share of calls that write. */
  writeShare: number;
  name: string;
}

/** One client; each call of `act` is one read or one write. */
export class ShopClient {
  readonly #work: Workload;
  readonly #options: ClientOptions;
  readonly #session: SessionPromises | undefined;
  #token: string | undefined;
  #writes = 0;

  constructor(work: Workload, options: ClientOptions) {
    this.#work = work;
    this.#options = options;
    this.#session = options.hasToken ? new SessionPromises(work.promises) : undefined;
  }

  async act(): Promise<void> {
    const { random, writeShare } = this.#options;
    if (random.next() < writeShare) await this.#write(random.pick(this.#work.registers), this.#anyGateway());
    else await this.read();
  }

  /** Reads something that is drawn. */
  read(): Promise<void> {
    return this.#read(this.#drawRead(), this.#anyGateway());
  }

  /** Writes a register and reads it through another gateway. @returns whether it was written */
  async round(register: Register): Promise<boolean> {
    const gateway = this.#anyGateway();
    if (!(await this.#write(register, gateway))) return false;
    const others = this.#work.gateways.filter((other) => other !== gateway);
    await this.#read(readOf(register), this.#options.random.pick(others));
    return true;
  }

  #drawRead(): Read {
    const { random } = this.#options;
    const { search, cityId, productIds, registers } = this.#work;
    return random.pickWeighted([
      { weight: 8, item: () => readOf(random.pick(registers)) },
      { weight: 1, item: () => readList(search) },
      { weight: 1, item: () => readStocked(cityId, productIds) },
    ])();
  }

  async #read(read: Read, gateway: string): Promise<void> {
    const { promises, nowMs, count } = this.#work;
    const startedMs = nowMs();
    const reply = await this.#ask(read, gateway).catch(() => undefined);
    if (!reply?.data || reply.errors) {
      count(`read failed: ${reply?.errors?.[0]?.extensions?.code ?? "no answer"}`);
      return;
    }
    count("read");
    for (const { subgraph, readFrom = "" } of reply.extensions?.explain?.fetches ?? [])
      count(`${subgraph} read from ${readFrom.split(" ", 1)[0]}`);
    for (const [register, version] of read.versions(reply.data)) {
      const how = JSON.stringify(reply.extensions?.explain?.fetches ?? []);
      if (this.#session) this.#session.read(register, version, how);
      else promises.readWithoutToken(register, version, startedMs, how);
    }
  }

  /** @returns whether it was written */
  async #write(register: Register, gateway: string): Promise<boolean> {
    const { beingWritten, isByHandOnly } = this.#work;
    const name = nameOf(register);
    if (register.kind !== "price") return this.#writeNext(register, name, gateway);
    if (isByHandOnly || !mayWrite(this.#work, name)) return false;
    beingWritten.add(name);
    try {
      return await this.#writeNext(register, name, gateway);
    } finally {
      beingWritten.delete(name);
    }
  }

  async #writeNext(register: Register, name: string, gateway: string): Promise<boolean> {
    const { promises, orderedId, nowMs, count } = this.#work;
    const attempted = promises.attempts(name);
    // Of orders a session knows only that its own comes on top of what it has seen.
    const version = register.kind === "price" ? attempted : (this.#session?.least(name) ?? 0) + 1;
    const key = `${this.#options.name}-${this.#writes++}`;
    const write = writeOf(register, version, key, orderedId);
    for (let tries = 1; tries <= REPEATS_MAX; tries++) {
      const reply = await this.#ask(write, gateway).catch(() => undefined);
      if (reply?.data && !reply.errors) {
        const acknowledged = write.acknowledged(reply.data);
        count(acknowledged === undefined ? `not written: ${reply.data.done?.__typename}` : "written");
        if (acknowledged === undefined) return false;
        promises.acknowledged(name, acknowledged, nowMs());
        this.#session?.wrote(name, acknowledged);
        return true;
      }
      count(`write failed: ${reply?.errors?.[0]?.extensions?.code ?? "no answer"}`);
      if (register.kind === "price") break;
    }
    if (register.kind === "price") retire(this.#work, name);
    return false;
  }

  #anyGateway(): string {
    return this.#options.random.pick(this.#work.gateways);
  }

  async #ask(document: Document, gateway: string): Promise<Reply> {
    const { post } = this.#work;
    const headers = {
      "x-explain": "true",
      ...(this.#session && this.#token !== undefined && { [SESSION_HEADER]: this.#token }),
    };
    const { reply, token } = await post(gateway, document, headers, ANSWER_LIMIT_MS);
    this.#token = token ?? this.#token;
    return reply;
  }
}
