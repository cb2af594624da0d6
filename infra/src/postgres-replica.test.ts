/** Goal: a replica streams, and is copied afresh exactly when it must be. Method: real servers. */
import { mkdtemp, readdir, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLogger, type Logger } from "@teranga/kit/process/log.ts";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { startPostgres } from "./postgres.ts";
import { removeDataDirectory } from "./postgres-data.ts";
import { asSuperuser, type RunningPostgres } from "./postgres-process.ts";
import { type ReplicaOptions, startReplica } from "./postgres-replica.ts";
import { REPLICATION_ROLE } from "./postgres-settings.ts";
import { dismissReplica } from "./replication.ts";
import { startTestReplica } from "./test-postgres.ts";

const silent = createLogger("test", "silent");
const common = { port: 0, password: "test", durable: false };
let parent: string;
let primary: RunningPostgres;
const replicas: RunningPostgres[] = [];

const startPrimary = () =>
  startPostgres({
    ...common,
    directory: join(parent, "primary"),
    log: silent,
    // Two segments: a replica is soon too far behind.
    settings: { max_slot_wal_keep_size: "32MB" },
  });

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), "teranga-replica-test-"));
  primary = await startPrimary();
  await ask(primary, "create table note (text text)");
});
afterEach(async () => {
  await Promise.all(replicas.splice(0).map((each) => each.stop()));
});
afterAll(async () => {
  await primary.stop();
  for (const name of await readdir(parent)) await removeDataDirectory(join(parent, name));
  await rm(parent, { recursive: true });
});

async function start(name: string, options: Partial<ReplicaOptions> = {}) {
  const said: string[] = [];
  const log = {
    ...silent,
    info: (line: string) => said.push(line),
    warn: (line: string) => said.push(line),
  } as unknown as Logger;
  const server = await startReplica({
    ...common,
    primary,
    name,
    directory: join(parent, name),
    replicationPassword: "replication",
    log,
    ...options,
  });
  replicas.push(server);
  return { server, said };
}

function ask(server: RunningPostgres, statement: string) {
  return asSuperuser(server.url("postgres"), async (sql) => [...(await sql.unsafe(statement))]);
}

/** Writes a line on the primary and waits until the replica has it. */
async function follows(replica: RunningPostgres, line: string): Promise<void> {
  await ask(primary, `insert into note values ('${line}')`);
  await vi.waitFor(
    async () => expect(await ask(replica, `select 1 from note where text = '${line}'`)).toHaveLength(1),
    { timeout: 10_000, interval: 20 },
  );
}

const COPIED = "was copied from its primary";

test("a replica streams, takes no writes, and goes on from what it has after a stop", async () => {
  const first = await start("kept");
  expect(first.said).toEqual([`kept ${COPIED}`]);
  await follows(first.server, "while it runs");
  await expect(ask(first.server, "insert into note values ('no')")).rejects.toMatchObject({ code: "25006" });
  const listed = "select application_name, usename, state from pg_stat_replication";
  expect(await ask(primary, listed)).toEqual([
    { application_name: "kept", usename: REPLICATION_ROLE, state: "streaming" },
  ]);

  await first.server.stop();
  await ask(primary, "insert into note values ('while it was away')");
  const second = await start("kept");
  expect(second.said).toEqual([]);
  await follows(second.server, "again");
  expect(await ask(second.server, "select 1 from note where text = 'while it was away'")).toHaveLength(1);
});

test("the role of the replicas has a SCRAM password and may read no table", async () => {
  replicas.push(await startTestReplica(primary, "role"));
  const role = `select rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication,
    rolpassword like 'SCRAM-SHA-256$%' as scram from pg_authid where rolname = '${REPLICATION_ROLE}'`;
  expect(await ask(primary, role)).toEqual([
    {
      rolsuper: false,
      rolcreaterole: false,
      rolcreatedb: false,
      rolbypassrls: false,
      rolreplication: true,
      scram: true,
    },
  ]);
  const url = Object.assign(new URL(primary.url("postgres")), {
    username: REPLICATION_ROLE,
    password: "replication",
  });
  await expect(asSuperuser(url.href, (sql) => sql`select 1`)).rejects.toThrow("pg_hba.conf rejects");
});

test("a replica that is wiped while it runs ends, and is copied afresh", async () => {
  const { server } = await start("wiped");
  for (const name of await readdir(server.place))
    await rm(join(server.place, name), { recursive: true, force: true });
  await server.exited;
  const again = await start("wiped");
  expect(again.said).toEqual([`wiped ${COPIED}`]);
  await follows(again.server, "after the wipe");
});

test("a replica whose files are damaged is copied afresh", async () => {
  const { server } = await start("damaged");
  await server.stop();
  await truncate(join(server.place, "global", "pg_control"), 100);
  const again = await start("damaged");
  expect(again.said).toEqual([expect.stringMatching(/cannot follow its primary: /), `damaged ${COPIED}`]);
  await follows(again.server, "after the damage");
});

test("a replica that is too far behind is copied afresh, and its slot kept no more than it may", async () => {
  const { server } = await start("behind");
  await server.stop();
  for (let segment = 0; segment < 4; segment++)
    await ask(primary, "insert into note values ('far ahead'); select pg_switch_wal()");
  await ask(primary, "checkpoint");
  const slot = "select wal_status from pg_replication_slots where slot_name = 'behind'";
  expect(await ask(primary, slot)).toEqual([{ wal_status: "lost" }]);
  const again = await start("behind");
  expect(again.said).toEqual([
    expect.stringMatching(/requested WAL segment \w+ has already been removed/),
    `behind ${COPIED}`,
  ]);
  await follows(again.server, "after the copy");
});

test("a replica that loses its slot while it runs ends by itself, to be copied afresh", async () => {
  const { server, said } = await start("cut-off");
  // It may have come back between the end of its connection and the drop.
  await vi.waitFor(() => dismissReplica({ primary, name: "cut-off" }), { timeout: 10_000, interval: 1 });
  await server.exited;
  expect(said.at(-1)).toMatch(/is ended, to be copied afresh: replication slot "cut_off" does not exist/);
});

test("a replica starts without its primary if it has the data, and says so if it has none", async () => {
  const { server } = await start("alone");
  await server.stop();
  const away = { place: primary.place, port: 1, url: () => "postgres://teranga:test@127.0.0.1:1/postgres" };
  const again = await start("alone", { primary: away });
  expect(await ask(again.server, "select pg_is_in_recovery() as replica")).toEqual([{ replica: true }]);
  await expect(start("nothing", { primary: away })).rejects.toThrow(/its primary does not answer/);
});

test("a promotion loses what the replica had not received when the primary was lost", async () => {
  const { server } = await start("loses");
  await follows(server, "received");
  const [sender] = await ask(primary, "select pid from pg_stat_replication");
  process.kill(sender!.pid, "SIGSTOP");
  await ask(primary, "insert into note values ('acknowledged, and not received')");
  process.kill(primary.pid, "SIGKILL");
  await primary.exited;
  process.kill(sender!.pid, "SIGKILL");
  await server.promote();
  const found = await ask(server, "select text from note where text like '%received' order by text");
  expect(found).toEqual([{ text: "received" }]);
  await server.stop();
  primary = await startPrimary();
});

test("a primary of an older timeline becomes a replica without what nobody else has", async () => {
  const { server } = await start("next");
  await follows(server, "before the promotion");
  await server.promote();
  await ask(primary, "insert into note values ('on the old timeline')");
  await primary.stop();
  await ask(server, "insert into note values ('on the new timeline')");

  const old = await start("primary", { primary: server });
  expect(old.said).toEqual([`primary ${COPIED}`]);
  expect(await ask(old.server, "select text from note where text like 'on the%'")).toEqual([
    { text: "on the new timeline" },
  ]);
  const timeline = "select substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) as timeline";
  expect(await ask(server, timeline)).toEqual([{ timeline: "00000002" }]);
  // For the tests after this one: it becomes the primary again.
  await old.server.stop();
  primary = await startPrimary();
  await ask(primary, "insert into note values ('a primary again')");
});
