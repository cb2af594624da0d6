/**
 * A PostgreSQL server with replicas that a test can hurt: replay that pauses, a replica that dies, a replica
 * that becomes the primary. Its commits wait until a replica has them, so a promotion loses nothing.
 *
 * Ports and directories stay, so the members' URLs do too, whoever is the primary.
 */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "@teranga/infra/ports.ts";
import { startPostgres } from "@teranga/infra/postgres.ts";
import { removeDataDirectory } from "@teranga/infra/postgres-data.ts";
import { asSuperuser, type RunningPostgres } from "@teranga/infra/postgres-process.ts";
import { startReplica } from "@teranga/infra/postgres-replica.ts";
import type { Logger } from "@teranga/kit/process/log.ts";

type Sql = Parameters<Parameters<typeof asSuperuser>[1]>[0];

const LOOK_EVERY_MS = 10;
const TRIES_MAX = 10;
/** The application name of a person with psql, who stays connected when services do not. */
export const BY_HAND = "by hand";

export interface Member {
  name: string;
  port: number;
  directory: string;
  /** Undefined while it does not run. */
  running: RunningPostgres | undefined;
}

export class ReplicatedServer {
  readonly members: readonly Member[];
  readonly #database: string;
  readonly #root: string;
  readonly #log: Logger;
  #primary: Member;

  private constructor(members: Member[], database: string, root: string, log: Logger) {
    this.members = members;
    this.#primary = members[0]!;
    this.#database = database;
    this.#root = root;
    this.#log = log;
  }

  /** Starts a primary with an empty database, without replicas yet: whoever loads data does it first. */
  static async start(database: string, replicas: number, log: Logger): Promise<ReplicatedServer> {
    const root = await mkdtemp(join(tmpdir(), "teranga-reads-"));
    const members: Member[] = [];
    for (let index = 1; index <= replicas + 1; index++) {
      const name = `${database}-${index}`;
      members.push({ name, port: await freePort(), directory: join(root, name), running: undefined });
    }
    const server = new ReplicatedServer(members, database, root, log);
    const primary = server.#primary;
    primary.running = await startPostgres(server.#optionsOf(primary));
    await primary.running.ensureDatabase(database);
    return server;
  }

  get primary(): Member {
    return this.#primary;
  }

  get replicas(): Member[] {
    return this.members.filter((member) => member !== this.#primary);
  }

  /** With user and password. */
  urlOf({ port }: Member): string {
    return `postgres://teranga:test@127.0.0.1:${port}/${this.#database}`;
  }

  /** The lines of the topology file for the members beside the first one, which DATABASE_URL names. */
  topologyOf(): object {
    const others = this.members.slice(1);
    const urls = others.map(({ name, port }) => [name, `postgres://127.0.0.1:${port}/${this.#database}`]);
    return { replicas: Object.fromEntries(urls), synchronous: true };
  }

  async startReplicas(): Promise<void> {
    await Promise.all(this.replicas.map((member) => this.#follow(member)));
    await this.#waitForOneReplica();
  }

  /** The replica goes on to receive what is written, and shows none of it until `resume`. */
  async pause(replica: Member): Promise<void> {
    await this.#as(replica, (sql) => sql`select pg_wal_replay_pause()`);
  }

  async resume(replica: Member): Promise<void> {
    await this.#as(replica, (sql) => sql`select pg_wal_replay_resume()`);
  }

  /** Ends all connections of the services to a member, or those of one application name. */
  async disconnect(member: Member, application?: string): Promise<void> {
    await this.#as(
      member,
      (sql) => sql`select pg_terminate_backend(pid) from pg_stat_activity
        where datname = ${this.#database} and pid <> pg_backend_pid() and application_name <> ${BY_HAND}
          and application_name = coalesce(${application ?? null}, application_name)`,
    );
  }

  /** Kills the server at once and starts it again: it may come back to before what it has shown. */
  async crash(replica: Member): Promise<void> {
    await kill(replica);
    await this.#follow(replica);
  }

  /** Writes of the log continue in a new segment, 16 MB further. */
  async switchLog(): Promise<void> {
    await this.#as(
      this.#primary,
      (sql) => sql`select pg_switch_wal() from pg_logical_emit_message(true, '', '')`,
    );
  }

  /**
   * Makes a replica the primary. The others follow that one, the old primary too. Nothing is lost that
   * anybody has seen: the others are stopped first, and the replica has what the primary had flushed by then.
   * From then on no commit of the old primary is acknowledged or shown.
   * @param meanwhile the old primary, which has not heard of it, runs until this is over
   */
  async promote(replica: Member, meanwhile: () => Promise<void>): Promise<void> {
    const old = this.#primary;
    const others = this.replicas.filter((member) => member !== replica);
    await Promise.all(others.map(({ running }) => running?.stop()));
    const flushed = await this.#lsn(old, "pg_current_wal_flush_lsn()");
    while ((await this.#lsn(replica, "pg_last_wal_receive_lsn()")) < flushed) await delay(LOOK_EVERY_MS);
    await replica.running!.promote();
    this.#primary = replica;
    await meanwhile();
    await kill(old);
    await Promise.all(this.replicas.map((member) => this.#follow(member)));
    await this.#waitForOneReplica();
  }

  async stop(): Promise<void> {
    await Promise.all(this.members.map(({ running }) => running?.stop()));
    for (const name of await readdir(this.#root)) await removeDataDirectory(join(this.#root, name));
    await rm(this.#root, { recursive: true });
  }

  async #follow(member: Member): Promise<void> {
    const primary = this.#primary.running!;
    const means = { primary, name: member.name, replicationPassword: "replication" };
    member.running = await startReplica({ ...this.#optionsOf(member), ...means });
  }

  async #waitForOneReplica(): Promise<void> {
    const names = this.replicas.map(({ name }) => `"${name}"`).join(", ");
    await this.#primary.running!.configure({ synchronous_standby_names: `ANY 1 (${names})` });
  }

  #optionsOf({ directory, port }: Member) {
    return { directory, port, password: "test", durable: false, log: this.#log };
  }

  async #lsn(member: Member, position: string): Promise<number> {
    const read = (sql: Sql) => sql.unsafe(`select (${position} - '0/0')::bigint::float8 as lsn`);
    const [row] = await this.#as(member, read);
    return row!.lsn as number;
  }

  /** A machine that is busy may take longer to connect than a program waits. */
  async #as<Result>(member: Member, work: (sql: Sql) => Promise<Result>): Promise<Result> {
    for (let tries = 1; ; tries++) {
      try {
        return await asSuperuser(this.urlOf(member), work);
      } catch (error) {
        if ((error as { code?: string }).code !== "CONNECT_TIMEOUT" || tries >= TRIES_MAX) throw error;
      }
    }
  }
}

async function kill(member: Member): Promise<void> {
  const { running } = member;
  member.running = undefined;
  if (!running) return;
  process.kill(running.pid, "SIGKILL");
  await running.exited;
}
