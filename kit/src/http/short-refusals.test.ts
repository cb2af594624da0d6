/**
 * Goal: a service answers some kilobytes to a refusal, whatever it was sent. Method: requests of up to a
 * megabyte over HTTP.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createLogger } from "../process/log.ts";
import { authorization } from "./credential.ts";
import type { RunningServer } from "./listen.ts";
import { startSubgraphServer } from "./server.ts";

const CREDENTIAL = "credential-of-the-tests";
const BYTES_MAX = 8_000;
const lines: { level: number }[] = [];
let service: RunningServer;
beforeAll(async () => {
  service = await startSubgraphServer({
    subgraph: "find",
    typeDefs: "type Query { find(name: String, filter: Filter): Int } input Filter { name: String }",
    resolvers: { Query: { find: () => 1 } },
    createContext: () => ({}),
    credential: CREDENTIAL,
    port: 0,
    log: createLogger("test", "info", { write: (line) => lines.push(JSON.parse(line)) }),
    checkReady: async () => {},
  });
});
afterAll(() => service?.close());
beforeEach(() => {
  lines.length = 0;
});

async function ask(body: object): Promise<{ text: string; messages: string[] }> {
  const headers = { "content-type": "application/json", authorization: authorization(CREDENTIAL) };
  const text = await (
    await fetch(service.url, { method: "POST", headers, body: JSON.stringify(body) })
  ).text();
  return { text, messages: JSON.parse(text).errors?.map(({ message }: { message: string }) => message) };
}

const LONG = "a".repeat(900_000);
const many = (count: number, of: (index: number) => string) =>
  Array.from({ length: count }, (_, i) => of(i)).join(" ");
const junk = Object.fromEntries(
  Array.from({ length: 200 }, (_, index) => [`unknown${index}`, "x".repeat(100)]),
);

test.each<[string, object, number]>([
  ["unknown fields", { query: `{ ${many(5_000, (i) => `f${i}`)} }` }, 11],
  ["one name of 900 kB", { query: `{ ${LONG} }` }, 1],
  ["a string of 900 kB", { query: `{ find(filter: "${LONG}") }` }, 1],
  ["one argument many times", { query: `{ find(${many(2_000, () => 'name: "a"')}) }` }, 1],
  [
    "unused variables of a long name",
    { query: `query ${"a".repeat(500_000)} (${many(110, (i) => `$v${i}: Int`)}) { find }` },
    11,
  ],
  ["unknown input fields", { query: "query ($f: Filter) { find(filter: $f) }", variables: { f: junk } }, 11],
  [
    "a value of the wrong type",
    { query: "query ($f: Filter) { find(filter: $f) }", variables: { f: LONG } },
    1,
  ],
  ["what is no GraphQL", { query: `{ find } ${LONG}` }, 1],
  ["an unknown operation", { query: "query A { find }", operationName: LONG }, 1],
])("%s", async (_, body, count) => {
  const { text, messages } = await ask(body);
  expect(messages).toHaveLength(count);
  expect(text.length).toBeLessThan(BYTES_MAX);
  expect(lines.filter(({ level }) => level >= 40)).toEqual([]);
});

test("short refusals are as they were, and answers are whole", async () => {
  expect((await ask({ query: "{ fnd }" })).messages).toEqual([
    'Cannot query field "fnd" on type "Query". Did you mean "find"?',
  ]);
  expect((await ask({ query: "{ find }" })).text).toBe('{"data":{"find":1}}\n');
});
