/**
 * Goal: a commit that must be on a replica is not acknowledged before it is. Method: a server whose commits
 * wait for a replica that does not exist.
 */

import type { RunningPostgres } from "@teranga/infra/postgres-process.ts";
import { startTestPostgres } from "@teranga/infra/test-postgres.ts";
import { withDeadline } from "@teranga/kit/http/deadline.ts";
import { type Database, openDatabase } from "@teranga/kit/postgres/database.ts";
import { afterAll, beforeAll, expect, test, vi } from "vitest";

let server: RunningPostgres;
let looking: Database;
const open = (statementTimeoutMs?: number) =>
  openDatabase({
    url: server.url("postgres"),
    applicationName: "under test",
    connections: 1,
    ...(statementTimeoutMs && { statementTimeoutMs }),
  });

async function waitFor(replica: string): Promise<void> {
  await looking.sql.unsafe(`alter system set synchronous_standby_names = '${replica}'`);
  await looking.sql`select pg_reload_conf()`;
  await vi.waitFor(async () => {
    const [row] = await looking.sql`select current_setting('synchronous_standby_names') as names`;
    expect(row!.names).toBe(replica);
  });
}

beforeAll(async () => {
  server = await startTestPostgres();
  looking = open();
  await looking.sql`create table note (text text)`;
});
afterAll(async () => {
  await looking.close();
  await server.stop();
});

test.each([
  ["its request has a deadline", 5_000, 200],
  ["statements have a time-out", 200, 60_000],
])(
  "a commit that waits for its replica is not acknowledged though %s",
  async (_what, timeoutMs, deadlineMs) => {
    await waitFor("nobody");
    const database = open(timeoutMs);
    try {
      let ended = "";
      const written = withDeadline(deadlineMs, () => database.sql`insert into note values ('waits')`).then(
        () => {
          ended = "acknowledged";
        },
        (error: { code?: string }) => {
          ended = String(error.code);
        },
      );
      // Several cancellations after the deadline.
      await vi.waitFor(
        async () => {
          const [row] = await looking.sql`
          select wait_event, clock_timestamp() - query_start > interval '600 milliseconds' as waits
          from pg_stat_activity where application_name = 'under test' and query like 'insert into note%'`;
          expect([ended, row]).toEqual(["", { wait_event: "SyncRep", waits: true }]);
        },
        { timeout: 5_000 },
      );
      await waitFor("");
      await written;
      expect(ended).toBe("acknowledged");
    } finally {
      await waitFor("");
      await database.close();
    }
  },
);
