/**
 * The members of one database: the server of DATABASE_URL and the replicas of the topology, any of which may
 * be the primary. The primary is the member that is not in recovery, on the highest timeline. So a promotion
 * changes no configuration: it is noticed.
 *
 * Without replicas there is one member, which is never looked at.
 */
import { setTimeout as delay } from "node:timers/promises";
import { StartupError } from "../process/config.ts";
import type { Logger } from "../process/log.ts";
import { withinMs } from "../process/timer.ts";
import { startWorker, type Worker } from "../process/worker.ts";
import type { PrimaryPositions } from "../reads/primary-positions.ts";
import { Marks, type MemberLook, type ReplicaState } from "../reads/replica.ts";
import { shareNext } from "../reads/share-next.ts";
import type { ReplicatedDatabase } from "../topology/topology.ts";
import { type Database, type DatabaseOptions, openDatabase, routeStatements } from "./database.ts";
import { isNotMigrated, lookAt, reasonOf, serverAndName } from "./member-look.ts";
import type { Sql } from "./sql.ts";
import { positionsOf } from "./wal-position.ts";

export interface MembersOptions extends DatabaseOptions {
  /** The name of the server of `url` while it is a replica. */
  name: string;
  log: Logger;
  replicas: ReplicatedDatabase | undefined;
}

/** One server of the database. */
export interface Member {
  name: string;
  url: string;
  database: Database;
  /** A connection of its own: all others may be busy. */
  looks: Database;
  /** Looks at the server now. Callers share a look that begins after they asked. */
  look: () => Promise<MemberLook>;
  state: ReplicaState;
  /** How long it took to answer the last look. */
  tookMs: number;
  /** When it became a member. */
  sinceMs: number;
}

export interface Primary {
  member: Member;
  positions: PrimaryPositions;
  /** Undefined until it was looked at. */
  timeline?: number;
  startedAt?: string;
}

const LOOK_EVERY_MS = 500;
/** A promotion takes less than a second. */
const FIND_LIMIT_MS = 5_000;
const FIND_AGAIN_MS = 100;
/** A member that takes longer is away. */
const LOOK_LIMIT_MS = 1_000;

export class DatabaseMembers {
  /** Statements go to the primary, or to the replica that answers the request. */
  readonly sql: Sql;
  readonly marks = new Marks();
  primary: Primary;
  #members: Member[];
  /** What the data of every member has in common; undefined until one was looked at. */
  #identity: string | undefined;
  #synchronous = false;
  #waitsForReplicas = true;
  /** Whether a server has been seen that takes writes. */
  #isFound = false;
  /** Looks at every member now: those that answer. Never rejects. Callers share a look, as each member's. */
  readonly lookAgain = shareNext(() => this.#lookAround());
  readonly #options: MembersOptions;
  readonly #watch: Worker;

  /** @param chosen the pool for the statements of the present request, if a replica answers it */
  constructor(options: MembersOptions, chosen: () => Sql | undefined) {
    this.#options = options;
    this.checkReplicas(options.replicas);
    const first = this.#open(options.name, options.url);
    this.#members = [first];
    this.primary = { member: first, positions: positionsOf(first.database.sql) };
    this.sql = routeStatements(() => chosen() ?? this.primary.member.database.sql, options);
    const step = async () => {
      if (this.hasReplicas) await this.lookAgain();
      return false;
    };
    this.setReplicas(options.replicas);
    this.#watch = startWorker({ name: "replicas", intervalMs: LOOK_EVERY_MS, log: options.log, step });
  }

  get replicas(): readonly Member[] {
    return this.#members.filter((member) => member !== this.primary.member);
  }

  get hasReplicas(): boolean {
    return this.#members.length > 1;
  }

  /** @throws StartupError if a replica has the URL of DATABASE_URL: that one is a member already */
  checkReplicas(database: ReplicatedDatabase | undefined): void {
    const own = serverAndName(this.#options.url);
    for (const { name, url } of database?.replicas ?? [])
      if (serverAndName(url) === own)
        throw new StartupError(`Topology: database.replicas.${name} has the URL of DATABASE_URL (${own})`);
  }

  /**
   * Takes over the replicas of another topology.
   * @throws StartupError as `checkReplicas`; then nothing changes
   */
  setReplicas(database: ReplicatedDatabase | undefined): void {
    this.checkReplicas(database);
    const wanted = (database?.replicas ?? []).map(({ name, url }) => ({ name, url: this.#withUser(url) }));
    this.#synchronous = database?.synchronous ?? false;
    const [first, ...others] = this.#members;
    const isWanted = (member: Member) =>
      member === this.primary.member ||
      wanted.some(({ name, url }) => name === member.name && url === member.url);
    for (const member of others) if (!isWanted(member)) void closeMember(member);
    const kept = others.filter(isWanted);
    const added = wanted.filter(({ url }) => !kept.some((member) => member.url === url));
    this.#members = [first!, ...kept, ...added.map(({ name, url }) => this.#open(name, url))];
    if (this.hasReplicas) this.#watch?.wake();
  }

  /**
   * Looks for the primary at all members: before the first statement, since after a promotion the server of
   * `url` is a replica, and when the primary does not show what it must. Takes nothing without replicas.
   * @throws StartupError if that is a replica, and no other server takes writes
   */
  async find(): Promise<void> {
    if (!this.hasReplicas) return;
    const endMs = performance.now() + FIND_LIMIT_MS;
    for (;;) {
      const found = await this.lookAgain();
      if (this.#isFound) return;
      if (performance.now() >= endMs) {
        const first = found.find(({ member }) => member === this.primary.member);
        if (first?.look.inRecovery)
          throw new StartupError(
            "DATABASE_URL: it names a replica, and no server of the topology is its primary",
          );
        return;
      }
      await delay(FIND_AGAIN_MS);
    }
  }

  /** A statement has failed as it does on a member that is away or no primary any more. */
  suspect(): void {
    if (this.hasReplicas) this.#watch.wake();
  }

  /** The lines that a person should read. */
  notes(): string[] {
    const lines = this.replicas.flatMap(({ name, state }) => {
      if (state.kind === "unusable") return [`the replica ${name} is not used: ${state.reason}`];
      return state.kind === "unreachable" ? [`the replica ${name} does not answer: ${state.reason}`] : [];
    });
    if (this.#synchronous && !this.#waitsForReplicas)
      lines.push(
        "the topology says that commits are synchronous, but the primary waits for no replica (synchronous_standby_names is empty)",
      );
    return lines;
  }

  async close(): Promise<void> {
    await this.#watch.stop();
    await Promise.all(this.#members.map(closeMember));
  }

  async #lookAround(): Promise<{ member: Member; look: MemberLook }[]> {
    const looks = await Promise.all(this.#members.map((member) => this.#lookAt(member)));
    const found = this.#members.flatMap((member, index) => {
      const look = looks[index];
      return look ? [{ member, ...look }] : [];
    });
    // The members' data is that of the first one that answers: the one of DATABASE_URL unless it is away.
    this.#identity ??= found[0]?.look.identity;
    // A primary of an earlier timeline may still run. It lacks what was written to the one after it.
    const known = this.primary.timeline ?? 0;
    const primary = found
      .filter(({ look }) => !look.inRecovery && look.identity === this.#identity && look.timeline >= known)
      .sort((a, b) => b.look.timeline - a.look.timeline || this.#rank(a.member) - this.#rank(b.member))[0];
    if (primary) {
      await this.#follow(primary.member, primary.look);
      // Only of the primary: what another server has flushed says nothing of how old a replica is.
      if (primary.member === this.primary.member) this.marks.add(primary.askedAtMs, primary.look);
    }
    for (const { member, look } of found) this.noteLook(member, look);
    return found;
  }

  #rank(member: Member): number {
    return member === this.primary.member ? -1 : this.#members.indexOf(member);
  }

  async #lookAt(member: Member): Promise<{ look: MemberLook; askedAtMs: number } | undefined> {
    const askedAtMs = performance.now();
    try {
      const look = await withinMs(LOOK_LIMIT_MS, member.look());
      if (!look) {
        this.#reopen(member);
        throw new Error(`no answer within ${LOOK_LIMIT_MS} ms`);
      }
      member.tookMs = performance.now() - askedAtMs;
      return { look, askedAtMs };
    } catch (error) {
      member.state = { kind: "unreachable", reason: reasonOf(error) };
      return undefined;
    }
  }

  /**
   * Takes a member for the primary. Its timeline is recorded first: whatever this service writes there
   * follows, so a replica that shows such a write shows its timeline as well.
   */
  async #follow(member: Member, look: MemberLook): Promise<void> {
    this.#waitsForReplicas = look.waitsForReplicas;
    const { primary } = this;
    if (primary.member === member && primary.timeline === look.timeline) {
      primary.startedAt = look.startedAt;
      return;
    }
    const positions = positionsOf(member.database.sql);
    try {
      const position = await withinMs(LOOK_LIMIT_MS, positions.ask());
      if (position?.timeline !== look.timeline) return;
    } catch (error) {
      if (!isNotMigrated(error)) return;
      // No position can be told before the migration, and none was.
      this.#isFound = true;
      this.primary = { member, positions };
      return;
    }
    this.#isFound = true;
    this.primary = { member, positions, timeline: look.timeline, startedAt: look.startedAt };
    member.state = { kind: "unknown" };
    if (primary.member !== member)
      this.#options.log.warn(
        { primary: member.name, timeline: look.timeline },
        "another server is the primary",
      );
  }

  /** Takes what a look says of a member that is not the primary. */
  noteLook(member: Member, look: MemberLook): void {
    if (member === this.primary.member) return;
    const reason = this.#unusable(look);
    if (reason !== undefined) {
      member.state = { kind: "unusable", reason };
      return;
    }
    const position = { timeline: look.timeline, lsn: look.lsn };
    const freshAtMs = this.marks.freshAtMs(position);
    member.state = { kind: "follows", startedAt: look.startedAt, position, freshAtMs };
  }

  #unusable({ identity, inRecovery, startedAt, timeline }: MemberLook): string | undefined {
    if (identity !== this.#identity) return "its URL leads to another database";
    if (inRecovery) return undefined;
    const { primary } = this;
    if (startedAt === primary.startedAt) return "its URL leads to the primary itself";
    return `its URL leads to a primary, of timeline ${timeline}`;
  }

  #open(name: string, url: string): Member {
    return {
      name,
      url,
      ...this.#openPools(url),
      state: { kind: "unknown" },
      tookMs: 0,
      sinceMs: performance.now(),
    };
  }

  #openPools(url: string): Pick<Member, "database" | "looks" | "look"> {
    const database = openDatabase({ ...this.#options, url });
    const looks = openDatabase({
      url,
      applicationName: `${this.#options.applicationName} looks`,
      connections: 1,
    });
    return { database, looks, look: shareNext(() => lookAt(looks.sql)) };
  }

  /** A host that is gone would hold connections for minutes, also after it is back. */
  #reopen(member: Member): void {
    const { database, looks } = member;
    const isPrimary = member === this.primary.member;
    const pools = this.#openPools(member.url);
    void looks.close();
    void (isPrimary ? pools : { database }).database.close();
    Object.assign(member, pools, isPrimary && { database });
  }

  /** The user, the password and the options of the service's own URL. */
  #withUser(replica: string): string {
    const { username, password, search } = new URL(this.#options.url);
    const url = Object.assign(new URL(replica), { username, password });
    if (url.search === "") url.search = search;
    return url.href;
  }
}

async function closeMember({ database, looks }: Member): Promise<void> {
  await Promise.all([database.close(), looks.close()]);
}
