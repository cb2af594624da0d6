/**
 * Goal: every refusal is short, and none is a fault of ours. Method: requests made to provoke long refusals,
 * and random ones, at the door of production.
 */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Door, startDoor } from "../fixture/door.ts";
import { onThisThread } from "../ground/turns.ts";
import { SideThread } from "../planning/side-thread.ts";
import { createSafelist } from "./safelist.ts";

let door: Door;
beforeAll(async () => {
  door = await startDoor();
});
afterAll(() => door.close());

/** The maximum size of a refusal's answer. */
const BYTES_MAX = 8 * 1024;

async function send(url: string, body: object): Promise<{ status: number; text: string; code: unknown }> {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  const text = await answer.text();
  return { status: answer.status, text, code: JSON.parse(text).errors?.[0]?.extensions?.code };
}

const LONG = "x".repeat(900_000);
const some = (count: number, each: (at: number) => string) =>
  Array.from({ length: count }, (_, at) => each(at));

describe("however much there is to say", () => {
  test.each<[what: string, query: string, code: string]>([
    [
      "a name of 900 kB and 110 unused variables",
      `query ${LONG}(${some(110, (at) => `$v${at}: Int`)}) { secret }`,
      "OPERATION_LIMIT_EXCEEDED",
    ],
    ["a long name", `query ${LONG.slice(0, 100_000)} { secret }`, "OPERATION_LIMIT_EXCEEDED"],
    ["a long field", `{ ${LONG.slice(0, 100_000)} }`, "OPERATION_LIMIT_EXCEEDED"],
    [
      "a long text that is no value",
      `{ secret(word: "${LONG.slice(0, 100_000)}", other: 1) }`,
      "GRAPHQL_VALIDATION_FAILED",
    ],
    ["a name that is nearly right", "{ secre }", "GRAPHQL_VALIDATION_FAILED"],
    ["a long comment", `{ secret } # ${LONG}`, "OPERATION_LIMIT_EXCEEDED"],
    ["a long token that is none", `{ secret(word: ${"9".repeat(100_000)}e) }`, "GRAPHQL_PARSE_FAILED"],
    [
      "unknown fields after many lines",
      `${"\n".repeat(90_000)}{ me { ${some(4_000, (at) => `f${at}`).join(" ")} } }`,
      "GRAPHQL_VALIDATION_FAILED",
    ],
    ["unknown arguments", `{ secret(${some(3_000, (at) => `a${at}: 1`)}) }`, "GRAPHQL_VALIDATION_FAILED"],
    ["one argument many times", `{ secret(${some(3_000, () => "word: 1")}) }`, "GRAPHQL_VALIDATION_FAILED"],
    [
      "unknown directives",
      `{ secret ${some(3_000, (at) => `@d${at}`).join(" ")} }`,
      "GRAPHQL_VALIDATION_FAILED",
    ],
    [
      "fields that contradict one another",
      `{ ${some(2_000, (at) => `secret(word: "${at}")`).join(" ")} }`,
      "OPERATION_LIMIT_EXCEEDED",
    ],
    ["unknown fragments", `{ ${some(3_000, (at) => `...f${at}`).join(" ")} }`, "GRAPHQL_VALIDATION_FAILED"],
    [
      "unused fragments",
      `{ secret } ${some(1_000, (at) => `fragment f${at} on Query { secret }`).join(" ")}`,
      "GRAPHQL_VALIDATION_FAILED",
    ],
    [
      "many operations without a name",
      some(2_000, () => "{ secret }").join(" "),
      "GRAPHQL_VALIDATION_FAILED",
    ],
    [
      "what is a schema's",
      some(1_000, (at) => `type T${at} { a: Int }`).join(" "),
      "GRAPHQL_VALIDATION_FAILED",
    ],
    ["a subscription", "subscription { ticks }", "OPERATION_NOT_SUPPORTED"],
    ["another operation", "query A { secret } query B { secret }", "OPERATION_RESOLUTION_FAILURE"],
  ])("%s", async (_, query, code) => {
    const answer = await send(door.url, { query });
    expect([answer.status, answer.code]).toEqual([400, code]);
    expect(answer.text.length).toBeLessThan(BYTES_MAX);
    expect(answer.text).not.toContain("Did you mean");
    expect(door.lines.filter(({ level }) => (level as number) > 30)).toEqual([]);
  });

  test("the places of errors are told, two of each", async () => {
    const { text } = await send(door.url, { query: "\n\n  { secret(word: 1, word: 2, word: 3) nothing }" });
    const { errors } = JSON.parse(text);
    expect(errors).toContainEqual({
      message: 'Cannot query field "nothing" on type "Query".',
      locations: [{ line: 3, column: 39 }],
      extensions: { code: "GRAPHQL_VALIDATION_FAILED" },
    });
    expect(errors).toContainEqual({
      message: 'There can be only one argument named "word".',
      locations: [
        { line: 3, column: 12 },
        { line: 3, column: 21 },
      ],
      extensions: { code: "GRAPHQL_VALIDATION_FAILED" },
    });
  });

  test("who may not ask for the schema is told by which option of ours", async () => {
    const { text } = await send(door.url, {
      query: '{ __schema { types { name } } __type(name: "Query") { name } }',
    });
    expect(JSON.parse(text).errors).toMatchObject([
      {
        message: expect.stringContaining("INTROSPECTION=true"),
        extensions: { code: "GRAPHQL_VALIDATION_FAILED" },
      },
    ]);
    expect(text).not.toContain("Apollo");
  });
});

test("what is not in the safelist is neither parsed nor validated", async () => {
  const body = "query Secret { secret }";
  const operations = [{ id: "1", name: "Secret", type: "query", body }];
  const manifest = { format: "apollo-persisted-query-manifest", version: 1, operations };
  const own = await startDoor({ safelist: createSafelist(JSON.stringify(manifest), "enforce") });
  try {
    for (const query of ["{ nothing }", "{", "}\u0000", `query Secret { secret, ${"a ".repeat(20_000)} }`]) {
      expect(await send(own.url, { query })).toMatchObject({
        status: 400,
        code: "OPERATION_NOT_IN_SAFELIST",
      });
    }
    expect(await send(own.url, { query: `#\n${body.replaceAll(" ", "\t,")}` })).toMatchObject({
      status: 200,
    });
  } finally {
    await own.close();
  }
});

/** Pieces that documents are made of, and pieces that they are not. */
const PIECES =
  '{ } { } ( ) [ ] : = ! $ @ ... & | query mutation subscription fragment on secret me name friends word $v Int "a" """b""" 1 1e9 -0 null true @skip(if:true) @defer __typename __schema __type type # \u0000 \u202e \ud800 é ☃ " \\'.split(
    " ",
  );

function randomOf(seed: number): () => number {
  let state = createHash("sha256").update(String(seed)).digest().readUInt32LE();
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test("random documents are refused without a fault, and shortly", async () => {
  const statuses = new Set<number>();
  for (let seed = 0; seed < 300; seed++) {
    const random = randomOf(seed);
    const pick = () => PIECES[Math.floor(random() * PIECES.length)]!;
    const inside = Array.from({ length: Math.floor(random() * 40) }, pick).join(random() < 0.5 ? " " : "");
    const query = random() < 0.5 ? inside : `${pick()} { ${inside} }`;
    const operationName = random() < 0.2 ? pick() : undefined;
    const { status, text } = await send(door.url, { query, operationName, variables: { v: pick() } });
    statuses.add(status);
    expect([status < 500, text.length < BYTES_MAX, query]).toEqual([true, true, query]);
  }
  expect([...statuses]).toContain(400);
  expect(door.lines.filter(({ level }) => (level as number) > 30)).toEqual([]);
});

test("what is new is refused while too much is waiting, the largest first; what is known is answered", async () => {
  const known = { query: "{ secret }" };
  expect((await send(door.url, known)).status).toBe(200);
  const held = Promise.withResolvers<void>();
  const work = Array.from({ length: 65 }, () => onThisThread.next(0, () => held.promise));
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ query: "{ secret me { name } }" });
  const answer = await fetch(door.url, { method: "POST", headers, body });
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
  expect(await answer.json()).toMatchObject({ errors: [{ extensions: { code: "OVERLOADED" } }] });
  expect((await send(door.url, known)).status).toBe(200);
  held.resolve();
  await Promise.all(work);
  expect((await fetch(door.url, { method: "POST", headers, body })).status).toBe(200);
  expect(door.lines.filter(({ level }) => (level as number) > 30)).toEqual([]);
});

test("a thread that breaks while it validates is a fault of ours: the client is told so, and the log why", async () => {
  const program = new URL(`data:text/javascript,${encodeURIComponent('throw new Error("no room left")')}`);
  const own = await startDoor({}, { sideThread: new SideThread("", { program }) });
  try {
    const query = `{ secret ${"#".repeat(5_000)}\n }`;
    for (let time = 0; time < 2; time++) {
      expect(await send(own.url, { query })).toMatchObject({ status: 500, code: "INTERNAL_SERVER_ERROR" });
    }
    const faults = own.lines.filter(({ level }) => (level as number) >= 50);
    const fault = {
      msg: "an operation failed on a fault of ours",
      err: { message: "no room left", stack: expect.stringContaining("no room left") },
    };
    expect(faults.filter(({ msg }) => msg !== "request")).toMatchObject([fault, fault]);
    expect(await send(own.url, { query: "{ secret }" })).toMatchObject({ status: 200 });
  } finally {
    await own.close();
  }
});
