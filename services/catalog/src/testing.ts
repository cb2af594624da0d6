/** What the tests of the service share: a catalog over a real PostgreSQL, and requests to it. */

import { randomUUID } from "node:crypto";
import { createTransport, type SubgraphResponse } from "@teranga/kit/http/transport.ts";
import { openDatabase, type Sql } from "@teranga/kit/postgres/database.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import type { RunningService } from "@teranga/kit/process/run-service.ts";
import { parseTopology } from "@teranga/kit/topology/topology.ts";
import { inject } from "vitest";
import { startCatalog } from "./service.ts";

const CREDENTIAL = "credential-of-the-tests";
export const TOPOLOGY_FILE = `
subgraphs:
  city:
    partitions:
      dakar: { name: Dakar, towns: [Dakar], location: { latitude: 14.69, longitude: -17.44 }, urls: ["http://127.0.0.1:1/"] }
      thies: { name: Thiès, towns: [Thiès], location: { latitude: 14.79, longitude: -16.93 }, urls: ["http://127.0.0.1:2/"] }
      autres: { name: Autres, default: true, location: { latitude: 14.16, longitude: -16.07 }, urls: ["http://127.0.0.1:3/"] }
`;

/** It looks at the log each second, whatever is asked. */
const OF_COMPACTION = /\b(?:long_logs|compact_row)\(/;

export interface TestCatalog {
  server: RunningService;
  /** The service's database, past its resolvers. */
  sql: Sql;
  /** Sends one operation. */
  ask(
    query: string,
    variables?: Record<string, unknown>,
    headers?: Record<string, string>,
  ): Promise<SubgraphResponse>;
  /** The SQL statements of requests since the last call, with normalised spaces. */
  takeStatements(): string[];
  /** Makes statements with these words fail as if the database were away; undefined ends that. */
  awayFor(words: string | undefined): void;
  /** Drops the database while the service runs. */
  dropDatabase(): Promise<void>;
  close(): Promise<void>;
}

export async function startTestCatalog(): Promise<TestCatalog> {
  const databaseUrl = await createDatabase();
  const statements: string[] = [];
  let away: string | undefined;
  const server = await startCatalog({
    databaseUrl,
    topology: parseTopology(TOPOLOGY_FILE),
    credential: CREDENTIAL,
    port: 0,
    log: createLogger("catalog", "fatal"),
    onStatement: (statement) => {
      if (away && statement.includes(away))
        throw Object.assign(new Error("the database is away"), { code: "ECONNREFUSED" });
      if (!OF_COMPACTION.test(statement)) statements.push(statement.replace(/\s+/g, " ").trim());
    },
  });
  const database = openDatabase({ url: databaseUrl, applicationName: "test", connections: 2 });
  const transport = createTransport({ credential: CREDENTIAL, isService: true });
  return {
    server,
    sql: database.sql,
    ask: (query, variables = {}, headers = {}) =>
      transport.send(server.url, { query, variables }, { headers }),
    takeStatements: () => statements.splice(0),
    awayFor(words) {
      away = words;
    },
    async dropDatabase() {
      await database.close();
      await administer((sql) => sql`drop database ${sql(nameOf(databaseUrl))} with (force)`);
    },
    async close() {
      await transport.close();
      await server.close();
      await database.close();
    },
  };
}

/** Makes a database of its own on the server of the test run. */
async function createDatabase(): Promise<string> {
  const url = new URL(inject("postgresUrl"));
  url.pathname = `catalog-${randomUUID()}`;
  await administer((sql) => sql`create database ${sql(nameOf(url.href))}`);
  return url.href;
}

const nameOf = (databaseUrl: string) => new URL(databaseUrl).pathname.slice(1);

async function administer(run: (sql: Sql) => Promise<unknown>): Promise<void> {
  const { sql, close } = openDatabase({
    url: inject("postgresUrl"),
    applicationName: "test",
    connections: 1,
  });
  await run(sql);
  await close();
}
