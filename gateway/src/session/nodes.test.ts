/**
 * Goal: no client reads anything older than what it has seen or written, at whichever node of a subgraph,
 * through any gateway and its cache. Method: random histories of three nodes that receive one another's
 * writes late, real sessions and caches, checked against what each client has seen.
 */
import { printPosition } from "@teranga/kit/reads/position.ts";
import { parsePositions, printRanges } from "@teranga/kit/reads/read-headers.ts";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Asked, askThroughCache } from "../cache/ask-through-cache.ts";
import { EntityCache } from "../cache/entity-cache.ts";
import { TEXT } from "../fixture/cached-shop.ts";
import type { ReadAfter } from "./read-after.ts";
import { type AskedRead, Session } from "./session.ts";
import { TokenSeal } from "./session-token.ts";

const NODES = ["a", "b", "c"];
const placeOf = (node: string) => `catalog/${node}`;
const isTracked = (place: string) => place.startsWith("catalog/");
const at = (lsn: number) => ({ timeline: 1, lsn });
const seal = new TokenSeal("a credential of the cluster");
const noMetrics = { looked() {}, filled() {}, refreshed() {}, evicted() {}, measure() {} };

/** Writes by node: how many of each a client has seen, or a node has. */
type Counts = Record<string, number>;

class Node {
  readonly name: string;
  /** The end of its own log. What it receives is in its log too. */
  lsn = 10;
  readonly has: Counts = { a: 0, b: 0, c: 0 };
  /** The end of its log after each of its own writes; the first is before any. */
  readonly wroteAt = [10];

  constructor(name: string) {
    this.name = name;
  }

  write(): void {
    this.lsn += 10;
    this.has[this.name]!++;
    this.wroteAt.push(this.lsn);
  }

  receive(from: Node): void {
    if (this.has[from.name]! >= from.has[from.name]!) return;
    this.lsn += 10;
    this.has[from.name]!++;
  }
}

class World {
  readonly nodes = NODES.map((name) => new Node(name));
  /** Each is nearest to another node. */
  readonly caches = [0, 1].map(() => new EntityCache({ bytesMax: 1_000_000, metrics: noMetrics }));
  readonly clients = [0, 1].map(() => ({ tokens: [] as string[], seen: { a: 0, b: 0, c: 0 } as Counts }));
  readonly broken: string[] = [];
  isSideBySide = false;
  hits = 0;

  /** One request: a fetch or two side by side, which may be answered by two nodes. */
  async read(client: number, gateway: number, starts: readonly number[]): Promise<void> {
    const session = this.#session(client);
    const shown = await Promise.all(starts.map((start) => this.#fetch(session, gateway, start)));
    for (const has of shown) this.#check(client, has);
    for (const has of shown) this.#see(client, has);
    this.#end(client, session);
  }

  /** @param start the node that is nearest, for this fetch */
  async #fetch(session: Session, gateway: number, start: number): Promise<Counts | undefined> {
    const order = NODES.map((_, index) => this.nodes[(index + start) % 3]!);
    const place = placeOf(order[0]!.name);
    const read: AskedRead = {
      place,
      reads: "node",
      after: session.readAfter(place, "node"),
      mayWrite: false,
    };
    await undefined;
    const ask = async (_: unknown, after: ReadAfter) => this.#answer(order, after, session, read);
    const variables = { representations: [{ id: "1" }] };
    const answer = await askThroughCache(this.caches[gateway]!, {
      fetch: { place, text: TEXT, variables, headers: {}, shows: ["Product"] },
      after: read.after,
      waitMs: 1_000,
      ask,
      askBehind: ask,
      takeRoom: async () => {},
      saw: (ranges) => {
        this.hits++;
        session.saw(read, { positions: ranges && printRanges(ranges) }, isTracked);
      },
    });
    return answer.kind === "failed" ? undefined : (answer.data!._entities as Counts[])[0];
  }

  /** Somebody else comes, who has seen nothing. */
  leave(client: number): void {
    this.clients[client] = { tokens: [], seen: { a: 0, b: 0, c: 0 } };
  }

  write(client: number, gateway: number): void {
    const node = this.nodes[gateway]!;
    const session = this.#session(client);
    const place = placeOf(node.name);
    const read: AskedRead = { place, reads: "node", after: session.readAfter(place, "node"), mayWrite: true };
    if (!this.#hasAll(node, read.after)) return;
    node.write();
    session.saw(read, { positions: this.#positionsOf(node), readFrom: "primary write" }, isTracked);
    this.caches[gateway]!.wrote(place);
    const { seen } = this.clients[client]!;
    seen[node.name] = Math.max(seen[node.name]!, node.has[node.name]!);
    this.#end(client, session);
  }

  /** A gateway hears of all that has changed at a node. */
  hear(gateway: number, node: Node): void {
    const cache = this.caches[gateway]!;
    cache.invalidate(placeOf(node.name), ["Product"], at(node.lsn));
    cache.confirm(placeOf(node.name), at(node.lsn));
  }

  #session(client: number): Session {
    return new Session(this.clients[client]!.tokens, { seal, nowMs: () => 0 });
  }

  /** A client that asks side by side has a token of each request. */
  #end(client: number, session: Session): void {
    const token = session.token();
    const { tokens } = this.clients[client]!;
    if (token) this.clients[client]!.tokens = this.isSideBySide ? [...tokens, token].slice(-8) : [token];
  }

  #check(client: number, has: Counts | undefined): void {
    const { seen } = this.clients[client]!;
    for (const name of NODES)
      if (has && has[name]! < seen[name]!) this.broken.push(`${name}: ${has[name]} after ${seen[name]}`);
  }

  #see(client: number, has: Counts | undefined): void {
    const { seen } = this.clients[client]!;
    for (const name of NODES) seen[name] = Math.max(seen[name]!, has?.[name] ?? 0);
  }

  /** The first node that has what was seen answers. */
  #answer(order: readonly Node[], after: ReadAfter, session: Session, read: AskedRead): Asked {
    const node = order.find((each) => this.#hasAll(each, after));
    if (!node) return { answer: { kind: "failed", error: new Error() as never }, notes: undefined };
    const positions = this.#positionsOf(node);
    const notes = { positions, readFrom: "primary no-replica", cacheControl: "max-age=60, public" };
    session.saw(read, notes, isTracked);
    return { answer: { kind: "answered", data: { _entities: [{ ...node.has }] }, errors: [] }, notes };
  }

  #hasAll(node: Node, { header }: ReadAfter): boolean {
    return [...parsePositions(header)].every(([place, { lsn }]) => lsn <= this.#positionAt(node, place));
  }

  #positionAt(node: Node, place: string): number {
    const other = this.nodes.find(({ name }) => placeOf(name) === place)!;
    return other === node ? node.lsn : other.wroteAt[node.has[other.name]!]!;
  }

  #positionsOf(node: Node): string {
    const others = this.nodes.filter((each) => each !== node);
    return [node, ...others]
      .map(({ name }) => {
        const position = printPosition(at(this.#positionAt(node, placeOf(name))));
        return `${placeOf(name)}=${position}-${position}`;
      })
      .join(",");
  }
}

const step = fc.record({
  kind: fc.constantFrom("read", "read", "read", "read", "write", "receive", "receive", "hear", "leave"),
  client: fc.nat(1),
  gateway: fc.nat(1),
  starts: fc.array(fc.nat(2), { minLength: 1, maxLength: 2 }),
  isSideBySide: fc.boolean(),
  node: fc.nat(2),
  from: fc.nat(2),
});

test("random histories: nothing is older than what was seen", async () => {
  let hits = 0;
  const histories = fc.array(step, { minLength: 200, maxLength: 300 });
  const run = async (steps: (typeof step extends fc.Arbitrary<infer Step> ? Step : never)[]) => {
    const world = new World();
    for (const { kind, client, gateway, starts, isSideBySide, node, from } of steps) {
      world.isSideBySide = isSideBySide;
      if (kind === "read") await world.read(client, gateway, starts);
      if (kind === "write") world.write(client, gateway);
      if (kind === "receive") world.nodes[node]!.receive(world.nodes[from]!);
      if (kind === "leave") world.leave(client);
      if (kind === "hear") world.hear(gateway, world.nodes[node]!);
      expect(world.broken).toEqual([]);
    }
    hits += world.hits;
  };
  await fc.assert(fc.asyncProperty(histories, run), { numRuns: 50, endOnFailure: true });
  // Of some 5,000 reads. Without hits the cache would not be tried.
  expect(hits).toBeGreaterThan(300);
});
