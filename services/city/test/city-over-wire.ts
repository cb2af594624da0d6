/**
 * A city's real service on a database of its own, and the messages of the commit protocol as a
 * hostile sender might send them.
 */
import { authorization } from "@teranga/kit/http/credential.ts";
import { Assertions, IDENTITY_HEADER } from "@teranga/kit/identity/assertion.ts";
import { type Identity, SERVICE } from "@teranga/kit/identity/identity.ts";
import { type Database, openDatabase, type Sql } from "@teranga/kit/postgres/database.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import { parseTopology, type Topology } from "@teranga/kit/topology/topology.ts";
import { inject } from "vitest";
import { startCity } from "../src/service.ts";

export const CREDENTIAL = "a-credential-for-tests";

/**
 * A topology of three cities and of those with a URL.
 * @param urls a city that is missing has no URL
 * @param towns the towns that a city claims beside its own id
 */
export function topologyOf(urls: Record<string, string> = {}, towns: Record<string, string> = {}): Topology {
  const place = (id: string) =>
    `      ${id}: { name: ${id}, towns: [${towns[id] ?? ""}], default: ${id === "autres"}, location: { latitude: 14, longitude: -17 }, urls: ["${urls[id] ?? "http://127.0.0.1:9/graphql"}"] }\n`;
  const ids = new Set(["dakar", "thies", "autres", ...Object.keys(urls)]);
  return parseTopology(`subgraphs:
  catalog: { replicas: ["http://127.0.0.1:9/graphql"] }
  city:
    partitions:
${[...ids].map(place).join("")}`);
}

const MESSAGES = {
  prepare: "mutation ($of: [PrepareInput!]!) { answers: prepare(transactions: $of) { state } }",
  commit: "mutation ($of: [CommitOrderInput!]!) { answers: commitOrders(orders: $of) { state } }",
  cancel:
    "mutation ($of: [CommitCancellationInput!]!) { answers: commitCancellations(cancellations: $of) { state } }",
  transfer: "mutation ($of: [CommitTransferInput!]!) { answers: commitTransfers(transfers: $of) { state } }",
  decide: "mutation ($of: [DecisionInput!]!) { answers: decide(decisions: $of) { state } }",
  outcome: "mutation ($of: [OutcomeInput!]!) { answers: outcome(transactions: $of) { state } }",
};
export type Message = keyof typeof MESSAGES;

export interface LogLine {
  level: number;
  alarm?: string;
  transactionId?: string;
  msg: string;
}

interface WiredAnswer {
  data: unknown;
  errors: object[] | undefined;
}

export interface WiredCity {
  url: string;
  sql: Sql;
  /** The log lines of level error and above since the last call. */
  takeLog(): LogLine[];
  /** Sends a query, as a service by default. Returns the data and the extensions of the errors. */
  ask(query: string, variables: object, identity?: Identity): Promise<WiredAnswer>;
  /** Sends a batch. Returns the states of the answers, or the extensions of the errors. */
  send(
    message: Message,
    of: object[],
  ): Promise<{ states: string[] | undefined; errors: object[] | undefined }>;
  /** Takes over another topology. */
  setTopology(topology: Topology): Promise<void>;
  /** All rows that a message could have changed, for comparison. */
  contents(): Promise<object>;
  /** Resets the database: two clients, ten pieces of product 101. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Starts a city without recovery of its own.
 * @param name of its database, which no other test file may use
 * @param onStatement called with each SQL statement before it is sent; if it throws, the
 * statement fails with that error
 */
export async function startWiredCity(
  cityId: string,
  name: string,
  onStatement?: (statement: string) => void,
): Promise<WiredCity> {
  await onServer((sql) => sql`create database ${sql(name)}`);
  const databaseUrl = inject("postgresUrl").replace(/\/postgres$/, `/${name}`);
  const database: Database = openDatabase({ url: databaseUrl, applicationName: "test" });
  const { sql } = database;
  let lines: LogLine[] = [];
  const log = createLogger("test", "error", { write: (text) => lines.push(JSON.parse(text)) });
  const server = await startCity({
    cityId,
    databaseUrl,
    topology: topologyOf(),
    credential: CREDENTIAL,
    port: 0,
    log,
    recoveryIntervalMs: 3_600_000,
    ...(onStatement && { onStatement }),
  });
  const ask = async (query: string, variables: object, identity: Identity = SERVICE) =>
    post(server.url, { query, variables }, await assertions.for(identity, "city"));
  return {
    url: server.url,
    sql,
    ask,
    takeLog() {
      const taken = lines;
      lines = [];
      return taken;
    },
    async send(message, of) {
      const { data, errors } = await ask(MESSAGES[message], { of });
      const { answers } = (data ?? {}) as { answers?: { state: string }[] };
      return { states: answers?.map(({ state }) => state), errors };
    },
    setTopology: async (topology) => server.setTopology(topology),
    contents: () => contents(sql),
    reset: () => reset(sql, cityId),
    async close() {
      await server.close();
      await database.close();
      await onServer((sql) => sql`drop database ${sql(name)}`);
    },
  };
}

const assertions = new Assertions({ credentials: [CREDENTIAL], nowMs: Date.now });

async function post(url: string, body: object, assertion: string | undefined): Promise<WiredAnswer> {
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      authorization: authorization(CREDENTIAL),
      ...(assertion !== undefined && { [IDENTITY_HEADER]: assertion }),
    },
    body: JSON.stringify(body),
  });
  const { data, errors } = (await response.json()) as { data?: unknown; errors?: { extensions: object }[] };
  return { data, errors: errors?.map(({ extensions }) => extensions) };
}

async function contents(sql: Sql): Promise<object> {
  const [row] = await sql`
    select (select json_agg(s order by product_id) from stock s) as stock,
           (select json_agg(m order by id) from stock_movement m) as movements,
           (select json_agg(d order by transaction_id) from transaction_decision d) as decisions,
           (select json_agg(p order by transaction_id, city_id) from decision_participant p) as told,
           (select json_agg(p order by transaction_id) from participation p) as participations,
           (select json_agg(r order by transaction_id, product_id) from reservation r) as reservations,
           (select json_agg(o order by id) from orders o) as orders,
           (select json_agg(p order by transaction_id) from payment p) as payments,
           (select json_agg(w order by client_id) from wallet w) as wallets,
           (select json_agg(e order by id) from ledger_entry e) as ledger`;
  return row!;
}

async function reset(sql: Sql, cityId: string): Promise<void> {
  await sql`truncate client, stock, transaction_decision, participation, horizon cascade`;
  await sql`
    insert into client (id, name, email, town)
    values (${`${cityId}:1`}, 'n', 'e@example.com', ${cityId}), (${`${cityId}:2`}, 'm', 'f@example.com', ${cityId})`;
  await sql`insert into stock (product_id, warehouse, on_hand) values ('101', 'Warehouse', 10)`;
  await sql`
    insert into stock_movement (product_id, reason, on_hand_change, reserved_change) values ('101', 'RESTOCKED', 10, 0)`;
}

/** Runs an action on the test run's shared server. */
export async function onServer(action: (sql: Sql) => Promise<unknown>): Promise<void> {
  const server = openDatabase({ url: inject("postgresUrl"), applicationName: "test", connections: 1 });
  await action(server.sql);
  await server.close();
}
