/**
 * The PostgreSQL servers of a cluster: each database has one primary, and replicas that follow it. The role
 * of a server is what the home says (members.ts). Each start of it goes by that, so a cluster that is killed
 * in the middle of a promotion goes on with the same primary.
 */
import { access } from "node:fs/promises";
import { join } from "node:path";
import { StartupError } from "@teranga/kit/process/config.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import { beginLog, pathsOf } from "./home.ts";
import { type DatabaseMembers, type Members, nameOnServer, nodeOf, writeMembers } from "./members.ts";
import { startPostgres } from "./postgres.ts";
import { type PostgresOptions, type RunningPostgres, superuserUrl } from "./postgres-process.ts";
import { startReplica } from "./postgres-replica.ts";
import { type LiveSettings, nodeSettings } from "./postgres-settings.ts";
import type { DatabasePlan } from "./processes.ts";
import type { Supervision } from "./supervision.ts";
import type { Supervisor } from "./supervisor.ts";

export interface DatabaseServersOptions {
  home: string;
  /** The superuser's. */
  password: string;
  replicationPassword: string;
  plans: readonly DatabasePlan[];
  /** The port at which the others find a process, by its name. */
  seenPorts: ReadonlyMap<string, number>;
  supervision: Supervision;
  log: Logger;
  /** Further settings of the servers. */
  settings?: Readonly<Record<string, string>> | undefined;
}

export interface DatabaseServer {
  plan: DatabasePlan;
  /** Undefined before its first start, and while it is fenced. */
  supervisor?: Supervisor;
  /** The process of its newest start; it may have ended. */
  running?: RunningPostgres;
  /** The log of this run. */
  logFile?: string;
}

export interface DatabaseGroup {
  database: string;
  /** The name of the primary among the servers. */
  primary: string;
  /** The server that the services' DATABASE_URL names in this run: the primary at its start. */
  anchor: string;
  servers: Map<string, DatabaseServer>;
  /** Whether a commit waits until a replica has it. */
  synchronous: boolean;
}

export class DatabaseServers {
  readonly groups: ReadonlyMap<string, DatabaseGroup>;
  readonly #options: DatabaseServersOptions;

  constructor(options: DatabaseServersOptions) {
    this.#options = options;
    const byDatabase = Map.groupBy(options.plans, ({ database }) => database);
    this.groups = new Map(
      [...byDatabase].map(([database, plans]) => {
        const { member: primary } = plans.find(({ role }) => role === "primary")!;
        const servers = new Map(plans.map((plan) => [plan.member, { plan }]));
        return [database, { database, primary, anchor: primary, servers, synchronous: false }];
      }),
    );
  }

  /** Starts the primaries side by side. Each makes its database. */
  async startPrimaries(): Promise<void> {
    await Promise.all(
      [...this.groups.values()].map((group) => this.start(group, group.servers.get(group.primary)!)),
    );
  }

  /** Starts the replicas side by side. One that does not come up is tried again for as long as it takes. */
  async startReplicas(): Promise<void> {
    await Promise.all(
      [...this.groups.values()].flatMap((group) =>
        replicasOf(group).map((server) => this.start(group, server, { insists: true })),
      ),
    );
  }

  async start(group: DatabaseGroup, server: DatabaseServer, { insists = false } = {}): Promise<void> {
    const { home, supervision } = this.#options;
    const { plan } = server;
    const logFile = server.logFile ?? (await beginLog(home, plan.name));
    server.logFile = logFile;
    const launch = async (signal: AbortSignal) => {
      server.running = await this.#launch(group, plan, { logFile, signal });
      return server.running;
    };
    server.supervisor = await supervision.start(plan, launch, insists);
  }

  /** The URLs of all primaries, as their superuser, by database. */
  primaryUrls(): Map<string, string> {
    return new Map([...this.groups.values()].map((group) => [group.database, this.#url(group)]));
  }

  /** The URL for the services: that of the server that was the primary when the cluster started. */
  serviceUrl(database: string): string {
    const { servers, anchor } = this.groups.get(database)!;
    return superuserUrl(this.seenPort(servers.get(anchor)!), this.#options.password, nameOnServer(database));
  }

  /** The same without user and password, for the topology. */
  bareUrl(database: string): string {
    const { servers, anchor } = this.groups.get(database)!;
    return this.#bareUrl(database, servers.get(anchor)!);
  }

  /** For the topology: the URLs of the servers that are not the services' DATABASE_URL, by name. */
  replicaUrls(database: string): Record<string, string> {
    const { servers, anchor } = this.groups.get(database)!;
    const others = [...servers.values()].filter(({ plan }) => plan.member !== anchor);
    return Object.fromEntries(others.map((server) => [server.plan.member, this.#bareUrl(database, server)]));
  }

  /** Keeps in the home which servers there are, and which are primaries. */
  save(): void {
    writeMembers(this.#options.home, this.members());
  }

  members(): DatabaseMembers {
    return Object.fromEntries(
      [...this.groups].map(([database, group]): [string, Members] => [
        database,
        { primary: group.primary, replicas: replicasOf(group).map(({ plan }) => plan.member) },
      ]),
    );
  }

  /** Makes a primary that runs go by what its group is now; one that is down does when it is back. */
  async configure(group: DatabaseGroup): Promise<void> {
    const { running, supervisor } = group.servers.get(group.primary)!;
    if (supervisor?.state.phase === "ready") await running?.configure(liveSettings(group));
  }

  seenPort({ plan }: DatabaseServer): number {
    return this.#options.seenPorts.get(plan.name) ?? plan.port;
  }

  async #launch(
    group: DatabaseGroup,
    plan: DatabasePlan,
    own: Pick<PostgresOptions, "logFile" | "signal">,
  ): Promise<RunningPostgres> {
    const { password, replicationPassword, log } = this.#options;
    const settings = { ...this.#nodeSettings(group), ...this.#options.settings };
    const directory = this.#directory(plan.member);
    const common = { directory, port: plan.port, password, log, settings, ...own };
    if (plan.member !== group.primary) {
      const primary = {
        place: this.#directory(group.primary),
        port: this.seenPort(group.servers.get(group.primary)!),
        url: () => this.#url(group),
      };
      return startReplica({ ...common, name: plan.member, replicationPassword, primary });
    }
    await this.#refuseLostData(group);
    const running = await startPostgres({ ...common, live: liveSettings(group) });
    try {
      await running.ensureDatabase(nameOnServer(group.database));
      return running;
    } catch (error) {
      await running.stop();
      throw error;
    }
  }

  /**
   * A primary whose data is gone would begin with an empty database, and its replicas would be copied from
   * that.
   * @throws StartupError if a replica has data and the primary has none
   */
  async #refuseLostData(group: DatabaseGroup): Promise<void> {
    const { home } = this.#options;
    const hasData = (member: string) =>
      access(join(this.#directory(member), "PG_VERSION")).then(
        () => true,
        () => false,
      );
    if (await hasData(group.primary)) return;
    for (const { plan } of replicasOf(group)) {
      if (!(await hasData(plan.member))) continue;
      throw new StartupError(
        `The data of ${group.primary} is gone, and its replica ${plan.member} still has it: "npm run promote -- ${group.database}", or, if the cluster does not run, make ${plan.member} the primary in ${pathsOf(home).databases}`,
      );
    }
  }

  #directory(member: string): string {
    return join(pathsOf(this.#options.home).postgres, member);
  }

  #nodeSettings({ database }: DatabaseGroup): Readonly<Record<string, string>> {
    if (nodeOf(database) === undefined) return {};
    return nodeSettings([...this.groups.keys()].filter((name) => nodeOf(name) !== undefined).length);
  }

  #url({ servers, primary, database }: DatabaseGroup): string {
    return superuserUrl(servers.get(primary)!.plan.port, this.#options.password, nameOnServer(database));
  }

  #bareUrl(database: string, server: DatabaseServer): string {
    return `postgres://127.0.0.1:${this.seenPort(server)}/${nameOnServer(database)}`;
  }
}

export function replicasOf({ servers, primary }: DatabaseGroup): DatabaseServer[] {
  return [...servers.values()].filter(({ plan }) => plan.member !== primary);
}

/** Any one of the replicas is enough: with two, one may be away. */
export function liveSettings(group: DatabaseGroup): LiveSettings {
  const names = replicasOf(group).map(({ plan }) => `"${plan.member}"`);
  if (!group.synchronous || names.length === 0) return {};
  return { synchronous_standby_names: `ANY 1 (${names.join(", ")})` };
}
