/**
 * A streaming replica of a local PostgreSQL server. It is made by a copy of the primary's files while that
 * runs, and copied afresh once it can never follow the primary again: it was wiped or damaged, is too far
 * behind (its slot is lost), or holds what the primary does not have (another timeline).
 */
import { access } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { StartupError } from "@teranga/kit/process/config.ts";
import { startWorker } from "@teranga/kit/process/worker.ts";
import { isPortFree } from "./ports.ts";
import { findPostgresBinaries } from "./postgres-binaries.ts";
import { copyServer } from "./postgres-copy.ts";
import { checkPlace, emptyPlace } from "./postgres-data.ts";
import { stopLeftoverPostgres } from "./postgres-leftover.ts";
import { type PostgresOptions, type RunningPostgres, runServer } from "./postgres-process.ts";
import { type LiveSettings, REPLICATION_ROLE } from "./postgres-settings.ts";
import { admitReplica, slotOf } from "./replication.ts";
import { ReplicationLog } from "./replication-log.ts";
import { postgresUser, type SystemUser } from "./system-user.ts";

export interface ReplicaOptions extends PostgresOptions {
  /** The server that it follows. `port` is where the replica finds it. */
  primary: Pick<RunningPostgres, "place" | "port" | "url">;
  /** Its name in the primary's lists, such as `dakar-2`. */
  name: string;
  /** The password of the role that it streams with. */
  replicationPassword: string;
}

/** What a launch of a replica works with. */
interface Launch extends ReplicaOptions {
  program: string;
  user: SystemUser | undefined;
}

const STREAMING_TIMEOUT_MS = 10_000;
const STREAMING_PROBE_MS = 20;
const WATCH_MS = 1_000;

/**
 * Starts a replica and waits until it takes connections and streams; a replica that is whole also starts
 * while its primary is away. `settings` must be the primary's. A replica that can never stream again later
 * ends by itself: started again, it is copied afresh.
 * @throws StartupError with one line if it does not come up, or the primary is away and must be copied
 */
export async function startReplica(options: ReplicaOptions): Promise<RunningPostgres> {
  const { primary, name, log, signal } = options;
  const user = postgresUser();
  const { postgres: program } = await findPostgresBinaries(user);
  const launch: Launch = { ...options, program, user };
  const kept = await keptReplica(launch);
  // Without this check a port that is taken would look like damaged data.
  if (options.port !== 0 && !(await isPortFree(options.port)))
    throw new StartupError(`${name}: port ${options.port} is in use`);
  const away = await admitReplica(launch).then(
    () => undefined,
    (error: Error) => error,
  );
  if (kept !== undefined) {
    try {
      return await run(launch, kept, away === undefined);
    } catch (error) {
      signal?.throwIfAborted();
      log.warn(`${name} cannot follow its primary: ${(error as Error).message}`);
    }
  }
  if (away) throw new StartupError(`${name} cannot be copied: its primary does not answer (${away.message})`);
  // The attempt before may have used up the slot: a checkpoint then marks it as lost.
  if (kept !== undefined) await admitReplica(launch);
  const to = await emptyPlace(options.directory, user, log);
  await copyServer({ from: primary.place, to, url: primary.url("postgres"), user, signal });
  log.info(`${name} was copied from its primary`);
  return run(launch, to, true);
}

/** The real path of a replica's data directory; undefined if there is none. */
async function keptReplica({ directory, user, log }: Launch): Promise<string | undefined> {
  const place = await checkPlace(resolve(directory), user).catch(() => undefined);
  if (place === undefined) return undefined;
  await stopLeftoverPostgres(place, log);
  // A server that was a primary may hold commits that nobody else has.
  return (await exists(join(place, "standby.signal"))) ? place : undefined;
}

async function run(launch: Launch, place: string, mustStream: boolean): Promise<RunningPostgres> {
  const replication = await ReplicationLog.follow(launch.logFile ?? join(place, "server.log"));
  const hopeless = async () => {
    const state = await replication.read();
    return state.kind === "hopeless" ? state.reason : undefined;
  };
  const server = await runServer({ ...launch, place, live: followSettings(launch), hopeless });
  try {
    if (mustStream) await untilStreaming(server, replication, launch.signal);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return watched(server, hopeless, launch);
}

/** Resolves at the end of the time as well: the way to the primary may be cut. */
async function untilStreaming(
  server: RunningPostgres,
  replication: ReplicationLog,
  signal: AbortSignal | undefined,
): Promise<void> {
  let ended = false;
  void server.exited.then(() => {
    ended = true;
  });
  const deadlineMs = performance.now() + STREAMING_TIMEOUT_MS;
  while (performance.now() < deadlineMs) {
    signal?.throwIfAborted();
    const state = await replication.read();
    if (state.kind === "streaming") return;
    if (state.kind === "hopeless") throw new StartupError(state.reason);
    if (ended) throw new StartupError("it ended at once");
    await sleep(STREAMING_PROBE_MS);
  }
}

/** Ends the server once it is wiped or can never stream again. */
function watched(
  server: RunningPostgres,
  hopeless: () => Promise<string | undefined>,
  { name, log }: Launch,
): RunningPostgres {
  const watch = startWorker({
    name: `watch of ${name}`,
    intervalMs: WATCH_MS,
    log,
    async step() {
      const isWiped = !(await exists(join(server.place, "PG_VERSION")));
      const reason = isWiped ? "its data directory is gone" : await hopeless();
      if (reason === undefined) return false;
      log.warn(`${name} is ended, to be copied afresh: ${reason}`);
      await server.stop();
      return false;
    },
  });
  void server.exited.then(() => watch.stop());
  return {
    ...server,
    async promote() {
      await watch.stop();
      await server.promote();
    },
  };
}

function followSettings({ primary, name, replicationPassword }: Launch): LiveSettings {
  const conninfo = {
    host: "127.0.0.1",
    port: primary.port,
    user: REPLICATION_ROLE,
    password: replicationPassword,
    application_name: name,
    connect_timeout: 2,
    sslmode: "disable",
    gssencmode: "disable",
  };
  return {
    primary_conninfo: Object.entries(conninfo)
      .map(([key, value]) => `${key}=${value}`)
      .join(" "),
    primary_slot_name: slotOf(name),
  };
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
