/**
 * Goal: nothing that a client can write into a request does harm beyond that request. Method: such requests,
 * against a whole gateway.
 */
import { createHash } from "node:crypto";
import { request } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { heapGrownBytes } from "./fixture/heap.ts";
import { Library } from "./fixture/library.ts";

let library: Library;
beforeAll(async () => {
  library = await Library.start();
  await library.ask("{ __typename }");
});
afterAll(() => library.close());

const friends = (levels: number): string => `{ friends ${levels > 1 ? friends(levels - 1) : "{ name }"} }`;

test("crossings that multiply end where the answer is large enough", async () => {
  // Three friends a level are 43 million readers at the last level.
  const answer = await library.ask(
    `{ reader(id: "north:1") ${friends(16)} other: reader(id: "west:1") { name } }`,
  );
  expect(answer.data.other).toEqual({ name: "west reader 1" });
  expect(JSON.stringify(answer).length).toBeLessThan(20_000_000);
  expect(answer.errors!.length).toBeLessThan(500);
  expect(new Set(answer.errors!.map(({ extensions }) => extensions.code))).toEqual(
    new Set(["ANSWER_TOO_LARGE"]),
  );
  expect(answer.errors!.every(({ path }) => path![0] === "reader")).toBe(true);
});

test("crossings that multiply a little do not", async () => {
  const { data, errors } = await library.ask(`{ reader(id: "north:1") ${friends(6)} }`);
  expect(errors).toBeUndefined();
  expect(JSON.stringify(data).match(/reader \d/g)).toHaveLength(3 ** 6);
});

test("errors that multiply are limited too", async () => {
  const secrets = (levels: number): string =>
    `{ friends ${levels > 1 ? secrets(levels - 1) : "{ secret }"} }`;
  const { errors } = await library.ask(`{ reader(id: "north:1") ${secrets(7)} }`);
  expect(errors).toHaveLength(101);
  expect(errors!.at(-1)!.extensions).toEqual({ code: "BAD_USER_INPUT", notListed: 3 ** 7 - 100 });
});

test("a variable named $representations is refused", async () => {
  const query = `query ($representations: ID!) { reader(id: $representations) { bestFriend { name } } }`;
  const { status, errors } = await library.ask(query, { representations: "north:1" });
  expect(status).toBe(400);
  expect(errors).toMatchObject([
    {
      message: "The variable $representations needs another name; the gateway uses this one itself.",
      extensions: { code: "GRAPHQL_VALIDATION_FAILED" },
    },
  ]);
});

const INHERITED = ["constructor", "valueOf", "__proto__", "hasOwnProperty", "toString"];

test.each(INHERITED)("the alias %s is one like any other", async (alias) => {
  const { data, errors } = await library.ask(
    `{ ${alias}: reader(id: "north:1") { ${alias}: bestFriend { ${alias}: name friends { name } } more: friends { ${alias}: name } } }`,
  );
  expect(errors).toBeUndefined();
  const own = (object: object) => Object.getOwnPropertyDescriptor(object, alias)?.value;
  expect(own(own(own(data)))).toBe("south reader 1");
  expect(own(own(data).more[1])).toBe("south reader 2");

  const lists = await library.ask(
    `{ ${alias}: branches { ${alias}: id } reader { ${alias}: friends { name } } }`,
  );
  expect(lists.errors).toBeUndefined();
  expect(own(lists.data).map(own)).toEqual(["north", "south", "west"]);
  expect(own(lists.data.reader)[0]).toEqual({ name: "north reader 2" });
});

test.each(INHERITED)("the alias %s of a field that fails is null, with an error", async (alias) => {
  const { data, errors } = await library.ask(`{ ${alias}: reader(id: "east:1") { id } branches { id } }`);
  expect(Object.getOwnPropertyDescriptor(data, alias)?.value).toBeNull();
  expect(data.branches).toHaveLength(3);
  expect(errors).toMatchObject([{ path: [alias], extensions: { code: "UNKNOWN_BRANCH" } }]);
});

test("a variable named constructor has no value but the one that it is given", async () => {
  const { data, errors } = await library.ask(
    `query ($constructor: ID, $valueOf: Boolean! = false) { findReaders(filter: { at: { branch: $constructor } }) { id } reader @include(if: $valueOf) { id } }`,
  );
  expect(data).toEqual({ findReaders: null });
  expect(errors).toMatchObject([{ extensions: { code: "BAD_USER_INPUT", field: "filter.at.branch" } }]);
});

test("more wrong variables than anybody reads are the client's mistake", async () => {
  const names = Array.from({ length: 60 }, (_, at) => `$v${at}: ID!`);
  const { status, errors } = await library.ask(`query (${names}) { reader(id: $v0) { id } }`);
  // Unused variables are refused first, so this refuses all of them.
  expect([status, errors!.length]).toEqual([400, 11]);
  const used = `query (${names}) { ${names.map((_, at) => `a${at}: reader(id: $v${at}) { id }`).slice(0, 50)} }`;
  const answer = await library.ask(used.replace(names.slice(50).join(), ""));
  expect(answer.status).toBe(400);
  expect(answer.errors).toHaveLength(11);
  for (const { extensions } of answer.errors!) expect(extensions).toEqual({ code: "BAD_USER_INPUT" });
});

test("a document too deep for the parser says so", async () => {
  const { status, errors } = await library.ask(`{ a(b: ${"[".repeat(100_000)} `);
  expect(status).toBe(400);
  expect(errors!.map(({ message, extensions }) => [message, extensions.code])).toEqual([
    [expect.stringMatching(/nested too deep to be read|tokens/), "GRAPHQL_PARSE_FAILED"],
  ]);
});

async function post(body: object) {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(library.gateway.url, { method: "POST", headers, body: JSON.stringify(body) });
  const { errors } = (await answer.json()) as { errors: { message: string; extensions: { code: string } }[] };
  return { status: answer.status, errors };
}

test.each([
  ["a name that no operation has", { query: "query A { __typename }", operationName: "B" }],
  ["no name for one of two operations", { query: "query A { __typename } query B { __typename }" }],
  ["a document of fragments", { query: "fragment f on Query { __typename }" }],
])("%s is the client's error", async (_, body) => {
  const { status, errors } = await post(body);
  expect(status).toBe(400);
  // A document of fragments alone is refused by validation, because the fragments are unused.
  expect(errors[0]!.extensions.code).toMatch(/^(OPERATION_RESOLUTION_FAILURE|GRAPHQL_VALIDATION_FAILED)$/);
  if ("operationName" in body) expect(errors[0]!.extensions.code).toBe("OPERATION_RESOLUTION_FAILURE");
});

test("persisted queries: unknown, registered, and one under another's hash", async () => {
  const query = "{ __typename }";
  const sha256Hash = createHash("sha256").update(query).digest("hex");
  const persistedQuery = { version: 1, sha256Hash };
  expect((await post({ extensions: { persistedQuery } })).errors).toMatchObject([
    { message: "PersistedQueryNotFound", extensions: { code: "PERSISTED_QUERY_NOT_FOUND" } },
  ]);
  expect((await post({ query, extensions: { persistedQuery } })).errors).toBeUndefined();
  expect((await post({ extensions: { persistedQuery } })).errors).toBeUndefined();
  expect(await post({ query: "{ branches { id } }", extensions: { persistedQuery } })).toMatchObject({
    status: 400,
    errors: [{ message: "provided sha does not match query", extensions: { code: "BAD_REQUEST" } }],
  });
  expect(
    await post({ query, extensions: { persistedQuery: { ...persistedQuery, version: 2 } } }),
  ).toMatchObject({
    status: 400,
    errors: [{ extensions: { code: "BAD_REQUEST" } }],
  });
});

test("a hash of a persisted query that is as long as a request may be is not kept", async () => {
  const grownBytes = await heapGrownBytes(async () => {
    for (let number = 0; number < 30; number++) {
      const sha256Hash = `${number}`.padEnd(1_000_000, "0");
      const { errors } = await post({ extensions: { persistedQuery: { version: 1, sha256Hash } } });
      expect(errors).toMatchObject([{ extensions: { code: "PERSISTED_QUERY_NOT_FOUND" } }]);
    }
  });
  expect(grownBytes).toBeLessThan(15_000_000);
});

/** `fetch` would normalise the path. */
function get(path: string): Promise<{ status: number; body: unknown }> {
  return new Promise((resolve, reject) => {
    const sent = request({ port: library.gateway.port, host: "127.0.0.1", path }, async (response) => {
      let text = "";
      for await (const chunk of response) text += String(chunk);
      resolve({ status: response.statusCode!, body: JSON.parse(text) });
    });
    sent.on("error", reject).end();
  });
}

test.each([
  ["/nowhere", 404],
  ["/%", 400],
  ["/graphql%zz", 400],
])("the path %s answers in GraphQL's shape", async (path, status) => {
  expect(await get(path)).toMatchObject({
    status,
    body: { errors: [{ extensions: { code: "BAD_REQUEST" } }] },
  });
});
