/**
 * Keeps one node of the catalog connected to the others, for as long as its service runs. Once a second it
 * looks at its own database and at theirs, and does what the topology asks for (plan.ts). PostgreSQL itself
 * delivers; nothing here stands in the way of an operation.
 *
 * A node is NEW → JOINED ⇄ REBUILDING (join.ts).
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Sql } from "@teranga/kit/postgres/database.ts";
import { reasonOf } from "@teranga/kit/postgres/member-look.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import { type StartWait, startWorker, type Worker } from "@teranga/kit/process/worker.ts";
import type { DatabaseNode } from "@teranga/kit/topology/topology.ts";
import { carryOut } from "./carry-out.ts";
import { clockFault, noteClock } from "./clock-ahead.ts";
import { sendKept } from "./copy.ts";
import { fittingPeers, removalOf } from "./fitting.ts";
import { join, knowNodes } from "./join.ts";
import { connectionString, NodeDatabase } from "./node-database.ts";
import { lookAtNode, type NodeLook, schemaOf } from "./node-look.ts";
import { type Action, type Link, type Peer, planNode } from "./plan.ts";
import { retryRefused } from "./refused.ts";
import { reportNode } from "./report.ts";

export interface NodeManagerOptions {
  /** The name of this node. */
  node: string;
  databaseUrl: string;
  nodes: readonly DatabaseNode[];
  log: Logger;
  nowMs?: () => number;
  startWait?: StartWait;
  /** How often it looks; each second by default. */
  intervalMs?: number;
}

/** What was known after the last look. */
export interface NodesState {
  own: NodeLook;
  peers: ReadonlyMap<string, Peer>;
  /** By the node that sends. */
  links: ReadonlyMap<string, Link>;
  /** Why this node is not connected, a line for people. */
  fault: string | undefined;
}

const LOOK_EVERY_MS = 1_000;
const RETRY_REFUSED_MS = 60_000;
/** Any number that no other lock of the database has. */
const STEP_LOCK = 83_726_421;

export class NodeManager {
  readonly node: string;
  /** Resolves when the node may serve. */
  readonly joined: Promise<void>;
  /** Undefined before the first look. */
  state: NodesState | undefined;
  /** How often operations of each other node have begun to come, since the start. */
  readonly syncs = new Map<string, number>();
  readonly #options: NodeManagerOptions;
  readonly #own: NodeDatabase;
  readonly #nowMs: () => number;
  readonly #worker: Worker;
  readonly #setJoined: () => void;
  #nodes: readonly DatabaseNode[];
  #peers = new Map<string, NodeDatabase>();
  /** The last line about each matter, so that each is logged once. */
  #said = new Map<string, string>();
  readonly #streaming = new Set<string>();
  #isSameDatabase = false;
  #retriedAtMs: number;

  constructor(options: NodeManagerOptions) {
    const { node, databaseUrl, nodes, log, startWait, intervalMs = LOOK_EVERY_MS } = options;
    this.node = node;
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
    this.#retriedAtMs = this.#nowMs();
    this.#own = new NodeDatabase({ name: node, url: "", database: databaseUrl }, databaseUrl);
    this.#nodes = nodes;
    this.setNodes(nodes);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.joined = promise;
    this.#setJoined = resolve;
    const step = () => this.#step();
    this.#worker = startWorker({ name: "nodes", intervalMs, log, step, startWait });
  }

  /** The own database, and those of the others. */
  databaseOf(node: string): NodeDatabase | undefined {
    return node === this.node ? this.#own : this.#peers.get(node);
  }

  get names(): readonly string[] {
    return this.#nodes.map(({ name }) => name);
  }

  /** Takes over the nodes of another topology. */
  setNodes(nodes: readonly DatabaseNode[]): void {
    this.#nodes = nodes;
    const before = this.#peers;
    this.#peers = new Map();
    for (const other of nodes) {
      if (other.name === this.node) continue;
      const opened = new NodeDatabase(other, this.#options.databaseUrl);
      const known = before.get(other.name);
      const isKept = known?.url === opened.url;
      this.#peers.set(other.name, isKept ? known : opened);
      if (isKept) void opened.close();
    }
    for (const [name, peer] of before) if (this.#peers.get(name) !== peer) void peer.close();
    this.wake();
  }

  /** Looks now. */
  wake(): void {
    this.#worker?.wake();
  }

  /** The lines that a person should read. */
  notes(): string[] {
    const { fault, links = new Map<string, Link>() } = this.state ?? {};
    const lines = [...links].flatMap(([peer, link]) =>
      "reason" in link ? [`node ${peer}, ${link.kind}: ${link.reason}`] : [],
    );
    return fault === undefined ? lines : [fault, ...lines];
  }

  async close(): Promise<void> {
    await this.#worker.stop();
    await Promise.all([this.#own, ...this.#peers.values()].map((each) => each.close()));
  }

  /** Instances over one database take turns. */
  #step(): Promise<boolean> {
    return this.#own.sql.begin(async (turn) => {
      await turn`set local idle_in_transaction_session_timeout = 0`;
      const [lock] = await turn<{ has: boolean }[]>`select pg_try_advisory_xact_lock(${STEP_LOCK}) as has`;
      return lock!.has ? this.#advance(this.#own.sql) : false;
    }) as Promise<boolean>;
  }

  /** @returns whether the next step should follow at once */
  async #advance(sql: Sql): Promise<boolean> {
    const schema = await schemaOf(sql);
    const own = await lookAtNode(sql, schema);
    const peers = fittingPeers(this.node, own, await this.#lookAround(schema));
    const fault = (await this.#faultOf(own)) ?? removalOf(this.node, own, peers);
    this.state = { own, peers, links: new Map(), fault };
    this.#say("this node", fault);
    if (!this.names.includes(this.node)) await this.#leave(own);
    if (fault !== undefined) return false;
    if (own.phase !== "JOINED") {
      if (own.phase === "REBUILDING") this.#setJoined();
      return this.#join(own, peers);
    }
    this.#setJoined();
    return this.#keep(own, peers);
  }

  async #lookAround(schema: number): Promise<Map<string, Peer>> {
    const seen = await Promise.all(
      Array.from(this.#peers, async ([name, peer]) => [name, await peer.see(schema)] as const),
    );
    return new Map(seen);
  }

  /** A node that the topology has no longer takes nothing: else the others could not drop its slots. */
  async #leave({ subscriptions }: NodeLook): Promise<void> {
    for (const { name, isEnabled } of subscriptions)
      if (isEnabled) await this.#act({ kind: "disable", subscription: name });
  }

  /** Why this node may not be connected to the others. */
  async #faultOf(own: NodeLook): Promise<string | undefined> {
    const { node } = this;
    if (own.phase !== "NEW" && own.id !== node)
      return `CATALOG_NODE is ${node}, but the database is that of the node ${own.id}`;
    const its = this.#nodes.find(({ name }) => name === node);
    if (!its) return `the topology has no node ${node}; it is not connected to the others`;
    if (this.#isSameDatabase) return undefined;
    const named = new NodeDatabase(its, this.#options.databaseUrl);
    try {
      const seen = await named.see(own.schema);
      if (seen.kind !== "seen") return undefined;
      if (seen.look.identity !== own.identity)
        return `the topology's database of ${node} is another one than that of DATABASE_URL: is ${node} there twice?`;
      this.#isSameDatabase = true;
      return undefined;
    } finally {
      await named.close();
    }
  }

  async #join(own: NodeLook, peers: ReadonlyMap<string, Peer>): Promise<boolean> {
    const { node, names } = this;
    const { log } = this.#options;
    const seen = new Map(
      Array.from(peers, ([name, seen]) => [name, { database: this.#peers.get(name)!, seen }]),
    );
    const outcome = await join({
      node,
      own,
      sql: this.#own.sql,
      names,
      peers: seen,
      nowMs: this.#nowMs,
      delay,
    });
    switch (outcome.kind) {
      case "waits":
        this.#say("join", `node ${node} cannot join yet: ${outcome.reason}`);
        return false;
      case "founded":
        log.info({ node }, "the first node of the catalog");
        return true;
      case "copied":
        log.info({ node, from: outcome.from, ownKept: outcome.kept }, "joined the nodes of the catalog");
        this.#said.delete("join");
        return true;
      default:
        return outcome satisfies never;
    }
  }

  /** Keeps the connections of a node that has joined. */
  async #keep(own: NodeLook, peers: ReadonlyMap<string, Peer>): Promise<boolean> {
    const { node, names } = this;
    const { sql } = this.#own;
    await knowNodes(sql, names);
    // A process that was killed after a copy.
    if (own.kept > 0) await sendKept(sql);
    await this.#retryRefused(own);
    const clock = clockFault(own, peers);
    await noteClock(sql, clock !== undefined);
    this.#say("clock", clock);
    const connectionOf = (peer: string) => connectionString(this.#peers.get(peer)!.url, node);
    const { actions, links } = planNode({ node, own, peers, connectionOf });
    for (const [peer, { kind }] of links) {
      const began = kind === "streaming" && !this.#streaming.has(peer);
      if (began) this.syncs.set(peer, (this.syncs.get(peer) ?? 0) + 1);
      this.#streaming[kind === "streaming" ? "add" : "delete"](peer);
    }
    this.state = { own, peers, links, fault: clock };
    for (const [peer, link] of links)
      this.#say(`link ${peer}`, "reason" in link ? `node ${peer}, ${link.kind}: ${link.reason}` : undefined);
    for (const action of actions) await this.#act(action);
    await reportNode(sql, node);
    return actions.length > 0 && actions.every(({ kind }) => !this.#said.has(`action ${kind}`));
  }

  /** One action that fails leaves the others to be done. */
  async #act(action: Action): Promise<void> {
    const { sql } = this.#own;
    try {
      if (action.kind === "rebuild") await sql`update node_state set phase = 'REBUILDING'`;
      else await carryOut(sql, action);
      this.#said.delete(`action ${action.kind}`);
    } catch (error) {
      this.#say(`action ${action.kind}`, `${action.kind} failed: ${reasonOf(error)}`);
    }
  }

  async #retryRefused({ refused }: NodeLook): Promise<void> {
    const nowMs = this.#nowMs();
    if (refused === 0 || nowMs - this.#retriedAtMs < RETRY_REFUSED_MS) return;
    this.#retriedAtMs = nowMs;
    await retryRefused(this.#own.sql);
  }

  /** Logs a line about a matter once; undefined: all is well there. */
  #say(matter: string, line: string | undefined): void {
    if (this.#said.get(matter) === line) return;
    if (line === undefined) this.#said.delete(matter);
    else {
      this.#said.set(matter, line);
      this.#options.log.warn({ node: this.node }, line);
    }
  }
}
