/**
 * Nodes of the catalog in this process: a PostgreSQL server and a manager for each, and a proxy on each way
 * from one node to another's database, which a test can cut.
 */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { prepareCatalogDatabase } from "@teranga/catalog/database.ts";
import { startCompaction } from "@teranga/catalog/nodes/compaction.ts";
import { NodeManager } from "@teranga/catalog/nodes/node-manager.ts";
import { startPostgres } from "@teranga/infra/postgres.ts";
import { removeDataDirectory } from "@teranga/infra/postgres-data.ts";
import type { RunningPostgres } from "@teranga/infra/postgres-process.ts";
import { type Database, openDatabase, type Sql } from "@teranga/kit/postgres/database.ts";
import { createLogger, type Logger } from "@teranga/kit/process/log.ts";
import type { Worker } from "@teranga/kit/process/worker.ts";
import type { DatabaseNode } from "@teranga/kit/topology/topology.ts";
import { type ServiceProxy, startProxy } from "./proxy.ts";

const DATABASE = "catalog";
const SETTINGS = {
  wal_level: "logical",
  max_slot_wal_keep_size: "64MB",
  wal_keep_size: "0",
  // A receiver that was cut off tries again after 5 s by default.
  wal_retrieve_retry_interval: "100ms",
};
const EQUAL_WITHIN_MS = 50_000;
const STEP_MS = 50;

export interface CatalogNode {
  name: string;
  sql: Sql;
  manager: NodeManager;
  /** Undefined if its log is not compacted. */
  compaction?: Worker;
  /** The lines that its manager has logged. */
  lines: string[];
  directory: string;
  server: RunningPostgres;
  databaseName: string;
  database: Database;
}

export class CatalogNodes {
  readonly nodes = new Map<string, CatalogNode>();
  readonly #proxies = new Map<string, ServiceProxy>();
  readonly #settings: Readonly<Record<string, string>>;

  /** Of a manager's looks, and of the steps of a compaction. */
  readonly #intervalMs: number;

  constructor(settings: Readonly<Record<string, string>> = {}, intervalMs = 100) {
    this.#settings = settings;
    this.#intervalMs = intervalMs;
  }

  get(name: string): CatalogNode {
    return this.nodes.get(name)!;
  }

  sql(name: string): Sql {
    return this.get(name).sql;
  }

  /** Starts a node without telling the others. */
  async start(name: string, others: readonly string[] = [...this.nodes.keys()]): Promise<CatalogNode> {
    const directory = await mkdtemp(join(tmpdir(), "teranga-node-"));
    const server = await this.#startServer(directory, 0);
    await this.#open(name, { directory, server, databaseName: DATABASE });
    await this.startManager(name, [...others, name]);
    return this.get(name);
  }

  /** Starts a node whose database is on another node's server. */
  async startBeside(name: string, other: string): Promise<void> {
    const { directory, server } = this.get(other);
    await this.#open(name, { directory, server, databaseName: name });
    await this.startManager(name);
  }

  async #open(
    name: string,
    place: Pick<CatalogNode, "directory" | "server" | "databaseName">,
  ): Promise<void> {
    const url = await place.server.ensureDatabase(place.databaseName);
    const database = openDatabase({ url, applicationName: "test", connections: 4 });
    await prepareCatalogDatabase(database.sql);
    const node = { name, sql: database.sql, lines: [], ...place, database };
    this.nodes.set(name, node as unknown as CatalogNode);
  }

  async startManager(name: string, names: readonly string[] = [...this.nodes.keys()]): Promise<void> {
    const node = this.get(name);
    node.manager = new NodeManager({
      node: name,
      databaseUrl: node.server.url(node.databaseName),
      nodes: await this.#topologyOf(name, names),
      log: recordingLog(node.lines),
      intervalMs: this.#intervalMs,
    });
  }

  /** Compacts the log of a node from now on. */
  startCompaction(name: string, kept: number): void {
    const node = this.get(name);
    const { sql, manager: nodes, lines } = node;
    node.compaction = startCompaction({
      primary: () => sql,
      nodes,
      log: recordingLog(lines),
      kept,
      intervalMs: this.#intervalMs,
    });
  }

  /** Starts the manager of a node's database under the name of another node. */
  async startManagerAs(name: string, pretended: string): Promise<void> {
    const node = this.get(name);
    node.manager = new NodeManager({
      node: pretended,
      databaseUrl: node.server.url(node.databaseName),
      nodes: await this.#topologyOf(
        name,
        [...this.nodes.keys()].filter((each) => each !== name),
      ),
      log: recordingLog(node.lines),
      intervalMs: this.#intervalMs,
    });
  }

  /** Gives all managers a topology of these nodes, each with its own ways to the others. */
  async connect(names: readonly string[] = [...this.nodes.keys()]): Promise<void> {
    for (const { name, manager } of this.nodes.values())
      if (manager) manager.setNodes(await this.#topologyOf(name, names));
  }

  /** The way from a node to another's database. */
  way(from: string, to: string): ServiceProxy {
    return this.#proxies.get(`${from} ${to}`)!;
  }

  /** Cuts two nodes off from each other, or heals that. */
  set(one: string, other: string, mode: "open" | "refusing"): void {
    this.way(one, other).set(mode);
    this.way(other, one).set(mode);
  }

  /** Kills the server of a node as a power cut would, and starts it again. */
  async kill(name: string): Promise<void> {
    const node = this.get(name);
    const { port, pid, exited } = node.server;
    process.kill(pid, "SIGKILL");
    await exited;
    node.server = await this.#startServer(node.directory, port);
  }

  /** Waits until all have what any has: the operations and the rows. */
  async untilEqual(
    names: readonly string[] = [...this.nodes.keys()],
    withinMs = EQUAL_WITHIN_MS,
  ): Promise<void> {
    let states: string[] = [];
    const endMs = performance.now() + withinMs;
    while (performance.now() < endMs) {
      states = await Promise.all(names.map((name) => stateOf(this.sql(name)).catch(String)));
      if (new Set(states).size === 1) return;
      await delay(STEP_MS);
    }
    const told = names.map((name) => this.#describe(name));
    throw new Error(`the nodes differ:\n${told.join("\n")}\n${differenceOf(states)}`);
  }

  async remove(name: string): Promise<void> {
    const { manager, compaction, database, server, directory } = this.get(name);
    this.nodes.delete(name);
    await compaction?.stop();
    await manager.close();
    await database.close();
    // Another node's database may be on it.
    if ([...this.nodes.values()].some((other) => other.server === server)) return;
    await server.stop();
    await removeDataDirectory(directory);
  }

  async close(): Promise<void> {
    await Promise.all([...this.nodes.keys()].map((name) => this.remove(name)));
    await Promise.all([...this.#proxies.values()].map((proxy) => proxy.close()));
  }

  #describe(name: string): string {
    const { manager, lines } = this.get(name);
    const links = [...(manager.state?.links ?? [])].map(([peer, link]) => `${peer}: ${JSON.stringify(link)}`);
    return `${name}: ${links.join(", ")}\n  ${lines.join("\n  ")}`;
  }

  #startServer(directory: string, port: number): Promise<RunningPostgres> {
    return startPostgres({
      directory,
      port,
      password: "test",
      log: createLogger("test", "silent"),
      // A server that is killed must come back with what it has told.
      durable: true,
      settings: { ...SETTINGS, fsync: "off", ...this.#settings },
    });
  }

  async #topologyOf(name: string, names: readonly string[]): Promise<DatabaseNode[]> {
    const nodes: DatabaseNode[] = [];
    for (const other of names) {
      const { server, databaseName } = this.get(other);
      const { port } = server;
      const seen = other === name ? port : (await this.#wayTo(name, other, port)).port;
      const database = `postgres://127.0.0.1:${seen}/${databaseName}`;
      nodes.push({ name: other, url: `http://127.0.0.1:1/${other}`, database });
    }
    return nodes;
  }

  async #wayTo(from: string, to: string, port: number): Promise<ServiceProxy> {
    const key = `${from} ${to}`;
    const proxy = this.#proxies.get(key) ?? (await startProxy(port));
    this.#proxies.set(key, proxy);
    return proxy;
  }
}

/** Everything that must be equal on all nodes. */
export async function stateOf(sql: Sql): Promise<string> {
  const [row] = await sql<{ state: string }[]>`
    select jsonb_build_object(
      'products', (
        select jsonb_agg(to_jsonb(product) order by id) from product
      ),
      -- Their operations; of those that have left the log too.
      'seen', (select jsonb_agg(jsonb_build_object(entity || id, seen) order by entity, id) from entity_state),
      'suppliers', (select jsonb_agg(to_jsonb(supplier) order by id) from supplier),
      'conflicts', (select jsonb_agg(to_jsonb(conflict) order by to_jsonb(conflict)) from conflict)
    )::text as state`;
  return row!.state;
}

/** The first place at which two texts differ. */
function differenceOf([one = "", ...others]: readonly string[]): string {
  const other = others.find((each) => each !== one) ?? "";
  const at = Math.max(0, Array.from(one).findIndex((letter, index) => letter !== other[index]) - 100);
  return `${one.slice(at, at + 300)}\n${other.slice(at, at + 300)}`;
}

function recordingLog(lines: string[]): Logger {
  return createLogger("test", "info", {
    write: (line: string) => {
      const { msg, err } = JSON.parse(line) as { msg: string; err?: { message: string } };
      lines.push(err ? `${msg}: ${err.message}` : msg);
    },
  });
}
