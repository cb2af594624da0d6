/**
 * Adds and removes replicas of a cluster that runs, pauses their replay, and makes a replica the primary.
 *
 * A promotion, in this order: the old primary is ended (fenced), and with that sends what its replicas have
 * not had yet; the home says who the primary is now; that one is promoted; the old one's directory becomes
 * that of a replica. After a crash in between, the next start of the servers ends it.
 */

import { join } from "node:path";
import { StartupError } from "@teranga/kit/process/config.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import { assignPorts } from "./assign-ports.ts";
import {
  type DatabaseGroup,
  type DatabaseServer,
  type DatabaseServers,
  liveSettings,
  replicasOf,
} from "./database-servers.ts";
import { pathsOf } from "./home.ts";
import { isCatalog, nodeOf } from "./members.ts";
import { removeDataDirectory } from "./postgres-data.ts";
import { asSuperuser, type RunningPostgres } from "./postgres-process.ts";
import type { ProcessTable } from "./process-table.ts";
import { planServer, serverOf } from "./processes.ts";
import { dismissReplica } from "./replication.ts";
import { readPorts, writePorts } from "./state.ts";
import type { Supervision } from "./supervision.ts";

export interface ReplicaCommandsOptions {
  home: string;
  servers: DatabaseServers;
  table: ProcessTable;
  supervision: Supervision;
  log: Logger;
  /** Tells where the others find a new process that listens on the port. */
  wire: (process: string, port: number) => Promise<void>;
  /** Writes the topology with the replicas that there are now. */
  writeTopology: () => Promise<void>;
}

export const REPLICA_COMMANDS = ["add", "remove", "pause", "resume", "promote"] as const;
export type ReplicaCommand = (typeof REPLICA_COMMANDS)[number];

/** A primary takes ten connections of replicas; copies and backups need some of them. */
const REPLICAS_MAX = 5;

export class ReplicaCommands {
  readonly #options: ReplicaCommandsOptions;
  /** One command at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: ReplicaCommandsOptions) {
    this.#options = options;
  }

  /**
   * Carries out a command on a database: a city's id, or `catalog`. Resolves to a line for people.
   * @throws StartupError with one line if it cannot be done
   */
  run(command: ReplicaCommand, database: string): Promise<string> {
    const turn = this.#turn.then(() => {
      const group = this.#groupOf(database);
      switch (command) {
        case "add":
          return this.#add(group);
        case "remove":
          return this.#remove(group);
        case "pause":
        case "resume":
          return setReplay(group, command);
        case "promote":
          return this.#promote(group);
        default:
          return command satisfies never;
      }
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  #groupOf(database: string): DatabaseGroup {
    const { groups } = this.#options.servers;
    const group = groups.get(database);
    const nodes = [...groups.keys()].flatMap((name) => nodeOf(name) ?? []);
    if (isCatalog(database) && nodes.length > 0)
      throw new StartupError(
        `The catalog has nodes (${nodes.join(", ")}), and nodes have no replicas: with CATALOG_NODES=none it can have some`,
      );
    if (group) return group;
    throw new StartupError(
      `There is no city ${JSON.stringify(database.slice(0, 40))}; there is ${[...groups.keys()].join(", ")}`,
    );
  }

  async #add(group: DatabaseGroup): Promise<string> {
    const { home, servers, table, wire, writeTopology } = this.#options;
    if (replicasOf(group).length >= REPLICAS_MAX)
      throw new StartupError(`${group.database} has ${REPLICAS_MAX} replicas, and may have no more`);
    const member = freeName(group);
    const name = serverOf(member);
    const port = (await assignPorts([name], {}, readPorts(home)))[name]!;
    writePorts(home, { ...readPorts(home), [name]: port });
    await wire(name, port);
    const server: DatabaseServer = { plan: planServer(group.database, member, group.primary, port) };
    table.add(server.plan);
    group.servers.set(member, server);
    try {
      await servers.start(group, server);
    } catch (error) {
      group.servers.delete(member);
      await this.#clear(group, server);
      throw error;
    }
    servers.save();
    await writeTopology();
    await servers.configure(group);
    return `${member} is a replica of ${group.database} now, on port ${port}.`;
  }

  async #remove(group: DatabaseGroup): Promise<string> {
    const { servers, supervision, writeTopology } = this.#options;
    const server = replicasOf(group).findLast(({ plan }) => plan.member !== group.anchor);
    if (!server) throw new StartupError(noReplica(group));
    const { member } = server.plan;
    group.servers.delete(member);
    servers.save();
    await writeTopology();
    await servers.configure(group);
    if (server.supervisor) await supervision.end(server.supervisor);
    await this.#clear(group, server);
    return `${member} is no replica of ${group.database} any more.`;
  }

  /** Removes what a replica that has ended leaves. */
  async #clear(group: DatabaseGroup, { plan }: DatabaseServer): Promise<void> {
    const { home, table } = this.#options;
    table.remove(plan.name);
    await removeDataDirectory(join(pathsOf(home).postgres, plan.member));
    const primary = group.servers.get(group.primary)!.running;
    // A primary that is down keeps the slot until too much WAL has come since.
    if (primary) await dismissReplica({ primary, name: plan.member }).catch(() => undefined);
  }

  async #promote(group: DatabaseGroup): Promise<string> {
    const { servers, table, supervision, log } = this.#options;
    const old = group.servers.get(group.primary)!;
    const before = group.primary;
    await this.#furthest(group);
    if (old.supervisor) await supervision.end(old.supervisor);
    let chosen: { server: DatabaseServer; running: RunningPostgres };
    try {
      chosen = await this.#furthest(group);
      group.primary = chosen.server.plan.member;
      servers.save();
    } catch (error) {
      group.primary = before;
      await servers.start(group, old, { insists: true });
      throw error;
    }
    const { server, running } = chosen;
    table.setRole(server.plan.name, "primary");
    table.setRole(old.plan.name, "replica");
    try {
      await running.promote();
      await running.configure(liveSettings(group));
    } catch (error) {
      log.warn(`${server.plan.member} did not become the primary at once: ${(error as Error).message}`);
      // Its supervisor starts it again, as the primary.
      await running.stop();
    }
    for (const other of replicasOf(group)) if (other !== old) await other.running?.stop();
    await servers.start(group, old, { insists: true });
    return `${group.primary} is the primary of ${group.database} now, and ${before} its replica.`;
  }

  /**
   * The replica that has received most.
   * @throws StartupError if there is none, or one that may have more than the others does not answer
   */
  async #furthest(group: DatabaseGroup): Promise<{ server: DatabaseServer; running: RunningPostgres }> {
    const replicas = replicasOf(group);
    if (replicas.length === 0) throw new StartupError(noReplica(group));
    const found = await Promise.all(replicas.map(receivedBy));
    const silent = replicas.filter((_, index) => found[index] === undefined);
    const answering = found.filter((each) => each !== undefined);
    const names = silent.map(({ plan }) => plan.member).join(", ");
    const [first] = answering.sort((a, b) => b.received - a.received);
    if (!first) throw new StartupError(`No replica of ${group.database} answers (${names})`);
    // A commit was acknowledged once any replica had it: that may be this one.
    if (group.synchronous && silent.length > 0)
      throw new StartupError(
        `${names} does not answer, and may be the only one that has the newest commits of ${group.database}: remove it first to promote another`,
      );
    return first;
  }
}

/**
 * Replicas whose replay is paused go on to receive what is written, and show none of it: so a person sees
 * what an old answer is. Starting a replica ends its pause.
 */
async function setReplay(group: DatabaseGroup, command: "pause" | "resume"): Promise<string> {
  const replicas = replicasOf(group);
  if (replicas.length === 0) throw new StartupError(noReplica(group));
  const names = replicas.map(({ plan }) => plan.member).join(", ");
  const running = replicas.flatMap(({ running }) => running ?? []);
  if (running.length < replicas.length) throw new StartupError(`Not all of ${names} run now`);
  const statement = command === "pause" ? "select pg_wal_replay_pause()" : "select pg_wal_replay_resume()";
  await Promise.all(running.map(({ url }) => asSuperuser(url("postgres"), (sql) => sql.unsafe(statement))));
  return command === "pause"
    ? `What is written from now on is not shown by ${names}. To go on: npm run replica -- resume ${group.database}`
    : `What is written is shown by ${names} again.`;
}

async function receivedBy(server: DatabaseServer) {
  const { running, supervisor } = server;
  if (!running || supervisor?.state.phase !== "ready") return undefined;
  try {
    const [row] = await asSuperuser(
      running.url("postgres"),
      (sql) =>
        sql`select (greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) - '0/0')::float8 as received
          where pg_is_in_recovery()`,
    );
    return row && { server, running, received: row.received as number };
  } catch {
    return undefined;
  }
}

/** `dakar-2`, `dakar-3`, … */
function freeName({ database, servers }: DatabaseGroup): string {
  let number = 2;
  while (servers.has(`${database}-${number}`)) number += 1;
  return `${database}-${number}`;
}

function noReplica({ database, servers, primary, anchor }: DatabaseGroup): string {
  if (servers.size > 1 && primary !== anchor)
    return `${anchor} is in the DATABASE_URL of this run: start the cluster again to remove it`;
  return `${database} has no replica: npm run replica -- add ${database}`;
}
