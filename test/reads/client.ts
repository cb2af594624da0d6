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
  /** Prices whose last write had an unknown outcome: it may still happen, so nobody writes them again. */
  retired: Set<string>;
  /** Asks an endpoint. Rejects if it gives no answer. */
  post: Post;
  nowMs: () => number;
  /** Counts what came of the calls. */
  count: (what: string) => void;
}

export interface Reply {
  // biome-ignore lint/suspicious/noExplicitAny: the document decides the shape
  data?: any;
  errors?: { message: string; extensions?: { code?: string } }[];
  extensions?: { explain?: { fetches: { subgraph: string; partition?: string; source?: string }[] } };
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
    if (random.next() < writeShare) await this.#write(random.pick(this.#work.registers));
    else await this.#read(this.#drawRead());
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

  async #read(read: Read): Promise<void> {
    const { promises, nowMs, count } = this.#work;
    const startedMs = nowMs();
    const reply = await this.#ask(read).catch(() => undefined);
    if (!reply?.data || reply.errors) {
      count(`read failed: ${reply?.errors?.[0]?.extensions?.code ?? "no answer"}`);
      return;
    }
    count("read");
    for (const [register, version] of read.versions(reply.data)) {
      const how = JSON.stringify(reply.extensions?.explain?.fetches ?? []);
      if (this.#session) this.#session.read(register, version, how);
      else promises.readWithoutToken(register, version, startedMs, how);
    }
  }

  async #write(register: Register): Promise<void> {
    const { beingWritten, retired } = this.#work;
    const name = nameOf(register);
    if (register.kind !== "price") return this.#writeNext(register, name);
    if (beingWritten.has(name) || retired.has(name)) return;
    beingWritten.add(name);
    try {
      await this.#writeNext(register, name);
    } finally {
      beingWritten.delete(name);
    }
  }

  async #writeNext(register: Register, name: string): Promise<void> {
    const { promises, orderedId, retired, nowMs, count } = this.#work;
    const attempted = promises.attempts(name);
    // Of orders a session knows only that its own comes on top of what it has seen.
    const version = register.kind === "price" ? attempted : (this.#session?.least(name) ?? 0) + 1;
    const key = `${this.#options.name}-${this.#writes++}`;
    const write = writeOf(register, version, key, orderedId);
    for (let tries = 1; tries <= REPEATS_MAX; tries++) {
      const reply = await this.#ask(write).catch(() => undefined);
      if (reply?.data && !reply.errors) {
        const acknowledged = write.acknowledged(reply.data);
        count(acknowledged === undefined ? `not written: ${reply.data.done?.__typename}` : "written");
        if (acknowledged === undefined) return;
        promises.acknowledged(name, acknowledged, nowMs());
        this.#session?.wrote(name, acknowledged);
        return;
      }
      count(`write failed: ${reply?.errors?.[0]?.extensions?.code ?? "no answer"}`);
      if (register.kind === "price") break;
    }
    if (register.kind === "price") retired.add(name);
  }

  async #ask(document: Document): Promise<Reply> {
    const { gateways, post } = this.#work;
    const headers = {
      "x-explain": "true",
      ...(this.#session && this.#token !== undefined && { [SESSION_HEADER]: this.#token }),
    };
    const { reply, token } = await post(
      this.#options.random.pick(gateways),
      document,
      headers,
      ANSWER_LIMIT_MS,
    );
    this.#token = token ?? this.#token;
    return reply;
  }
}
