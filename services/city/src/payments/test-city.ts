/** A database of the city `dakar` for tests of payments, on the test run's server. */
import { type Database, openDatabase } from "@teranga/kit/postgres/database.ts";
import { parseTopology, partitionsOf } from "@teranga/kit/topology/topology.ts";
import { prepareCityDatabase } from "../database.ts";

const place = (name: string, isDefault = false) =>
  `{ name: ${name}, default: ${isDefault}, location: { latitude: 14, longitude: -17 }, urls: ["http://127.0.0.1:9/graphql"] }`;

export const TEST_TOPOLOGY = parseTopology(`subgraphs:
  catalog: { replicas: ["http://127.0.0.1:9/graphql"] }
  city: { partitions: { dakar: ${place("Dakar")}, autres: ${place("Autres", true)} } }
`);

export interface TestCity extends Database {
  url: string;
}

/** The telephone number of a client: of `dakar:7` it is `+221770000007`. */
export function phoneOf(clientId: string): string {
  return `+22177${clientId.slice(clientId.indexOf(":") + 1).padStart(7, "0")}`;
}

/**
 * Closing it drops the database.
 * @param onStatement called with each SQL statement
 */
export async function openTestCity(
  name: string,
  serverUrl: string,
  onStatement?: (statement: string) => void,
): Promise<TestCity> {
  const onServer = async (run: (server: Database) => Promise<unknown>) => {
    const server = openDatabase({ url: serverUrl, applicationName: "test", connections: 1 });
    await run(server);
    await server.close();
  };
  await onServer(({ sql }) => sql`create database ${sql(name)}`);
  const url = serverUrl.replace(/\/postgres$/, `/${name}`);
  const database = openDatabase({ url, applicationName: "test", onStatement });
  await prepareCityDatabase(database.sql, "dakar", partitionsOf(TEST_TOPOLOGY, "city"));
  return {
    sql: database.sql,
    url,
    async close() {
      await database.close();
      await onServer(({ sql }) => sql`drop database ${sql(name)}`);
    },
  };
}
