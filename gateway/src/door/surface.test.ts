/**
 * Goal: what clients meet in production and in development, at the limits, and with a safelist. Method: HTTP,
 * with a schema behind the door.
 */
import { createHash } from "node:crypto";
import { getIntrospectionQuery } from "graphql";
import { afterEach, describe, expect, test } from "vitest";
import { type Door, startDoor } from "../fixture/door.ts";
import { type Answer, ask } from "../fixture/library.ts";
import { DEFAULT_LIMITS } from "../ground/limits.ts";
import { createSafelist, type SafelistMode } from "./safelist.ts";
import { surfaceOf } from "./surface.ts";

let door: Door | undefined;
afterEach(async () => {
  await door?.close();
  door = undefined;
});

async function open(...options: Parameters<typeof startDoor>): Promise<Door> {
  door = await startDoor(...options);
  return door;
}

/** Posts any body. */
async function post(url: string, body: object, headers: Record<string, string> = {}): Promise<Answer> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  return { status: answer.status, headers: answer.headers, ...((await answer.json()) as object) };
}

const page = async (url: string) => (await fetch(url, { headers: { accept: "text/html" } })).text();

describe("in production", () => {
  test("faults are masked, and nobody is told how an answer was made", async () => {
    const { url, lines } = await open();
    const { data, errors, ...rest } = await ask(url, "{ fails me { name } }", {}, { "x-explain": "true" });
    expect(data).toEqual({ fails: null, me: { name: "Awa" } });
    expect(errors).toMatchObject([{ path: ["fails"], extensions: { code: "INTERNAL_SERVER_ERROR" } }]);
    expect(JSON.stringify([errors, rest])).not.toMatch(/clients_2024|stack|explain|plan/);
    expect(JSON.stringify(lines)).toContain("clients_2024");
  });

  test("the schema is not shown, not even by suggestions, nor is Sandbox", async () => {
    const { url } = await open();
    const introspected = await ask(url, getIntrospectionQuery());
    expect(introspected.status).toBe(400);
    expect(
      introspected.errors!.every(({ extensions }) => extensions.code === "GRAPHQL_VALIDATION_FAILED"),
    ).toBe(true);
    const { errors } = await ask(url, "{ secre }");
    expect(errors![0]!.message).toContain("secre");
    expect(errors![0]!.message).not.toContain("secret");
    expect(await page(url)).not.toContain("sandbox");
  });

  test("introspection and Sandbox are there if asked for", async () => {
    const { url } = await open({ introspection: true, sandbox: true });
    expect((await ask(url, getIntrospectionQuery())).errors).toBeUndefined();
    expect((await ask(url, "{ secre }")).errors![0]!.message).toContain('"secret"');
    expect(await page(url)).toContain("sandbox");
    expect(await page(url)).toContain('"headers":{"Authorization":""}');
  });
});

describe("in development", () => {
  test("faults are shown with their stack, the rest as always", async () => {
    const { url } = await open(surfaceOf("development"));
    const { errors } = await ask(url, "{ fails away }");
    expect(errors).toMatchObject([
      { message: "the table clients_2024 is missing", extensions: { code: "INTERNAL_SERVER_ERROR" } },
      {
        message: 'The city "dakar" is unavailable.',
        extensions: { code: "CITY_UNAVAILABLE", city: "dakar" },
      },
    ]);
    expect(errors![0]!.extensions.stacktrace).toContainEqual(expect.stringContaining("door.ts"));
    expect(errors![1]!.extensions).not.toHaveProperty("stacktrace");
  });

  test("how an answer was made is told to those who ask", async () => {
    const { url } = await open(surfaceOf("development"));
    const answer = await post(url, { query: "{ me { name } }" }, { "x-explain": "true" });
    expect(answer).toMatchObject({
      data: { me: { name: "Awa" } },
      extensions: {
        explain: {
          durationMs: expect.any(Number),
          plan: "the plan",
          fetches: [
            {
              subgraph: "catalog",
              outcome: "answered",
              shared: true,
              durationMs: 2,
              startMs: expect.any(Number),
            },
            { subgraph: "city", partition: "dakar", attempts: 2, durationMs: 30 },
            { subgraph: "city", partition: "thies", outcome: "broken-circuit" },
          ],
        },
      },
    });
    for (const headers of [{}, { "x-explain": "false" }, { "x-explain": "1" }]) {
      expect(
        await post(url, { query: "{ me { name } }" }, headers as Record<string, string>),
      ).not.toHaveProperty("extensions");
    }
  });

  test("introspection and Sandbox are there by default", async () => {
    const { url } = await open({ ...surfaceOf("development"), sandbox: false });
    expect((await ask(url, getIntrospectionQuery())).errors).toBeUndefined();
    expect(await page(url)).not.toContain("sandbox");
  });
});

describe("beyond a limit", () => {
  const limits = {
    ...DEFAULT_LIMITS,
    depthMax: 3,
    aliasesMax: 2,
    rootFieldsMax: 3,
    tokensMax: 40,
    costMax: 30,
    bodyBytesMax: 2_000,
  };
  test.each([
    ["depth", "{ me { friends { friends { name } } } }", 4, 3],
    ["aliases", "{ a: secret b: secret c: secret }", 3, 2],
    ["rootFields", "{ secret me { name } away fails }", 4, 3],
    ["tokens", `{ ${"secret ".repeat(60)} }`, 41, 40],
    ["cost", "{ me { friends { name } } people { name } rest: people { name } }", 31, 30],
  ])("%s", async (limit, query, actual, allowed) => {
    const { url, lines } = await open({ limits });
    const { status, data, errors } = await ask(url, query);
    expect(status).toBe(400);
    expect(data).toBeUndefined();
    expect(errors).toMatchObject([
      { extensions: { code: "OPERATION_LIMIT_EXCEEDED", limit, actual, allowed } },
    ]);
    expect(errors![0]!.message).toContain(String(actual));
    expect(errors![0]!.message).toContain(`${allowed} are allowed`);
    expect(lines.filter(({ level }) => (level as number) > 30)).toEqual([]);
  });

  test("the body", async () => {
    const { url } = await open({ limits });
    const { status, errors } = await ask(url, "{ secret }", { text: "x".repeat(2_000) });
    expect(status).toBe(413);
    expect(errors).toMatchObject([
      {
        message: "The body of the request has more than the 2000 bytes that are allowed.",
        extensions: { code: "REQUEST_TOO_LARGE" },
      },
    ]);
  });

  test("and whatever the client's variables make of it", async () => {
    const { url } = await open({ limits });
    const query = "query ($all: Boolean!) { me { name } people @include(if: $all) { friends { name } } }";
    expect((await ask(url, query, { all: false })).errors).toBeUndefined();
    expect((await ask(url, query, { all: true })).errors).toMatchObject([
      { extensions: { limit: "cost", actual: 111 } },
    ]);
    expect((await ask(url, query, { all: false })).errors).toBeUndefined();
  });

  test("batches are off, and so is what a foreign page could send", async () => {
    const { url } = await open();
    expect(await post(url, [{ query: "{ secret }" }])).toMatchObject({
      status: 400,
      errors: [{ extensions: { code: "BAD_REQUEST" } }],
    });
    expect((await fetch(`${url}?query={secret}`)).status).toBe(400);
    expect(
      (await fetch(`${url}?query={secret}`, { headers: { "apollo-require-preflight": "1" } })).status,
    ).toBe(200);
  });
});

describe("persisted queries", () => {
  const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
  const byHash = (hash: string, query?: string) => ({
    query,
    extensions: { persistedQuery: { version: 1, sha256Hash: hash } },
  });
  const listed = "query Me { me { name } }";
  const body = "query Me {\n  me {\n    name\n  }\n}";
  const manifest = (mode: SafelistMode) =>
    createSafelist(
      JSON.stringify({
        format: "apollo-persisted-query-manifest",
        version: 1,
        operations: [{ id: sha256(body), name: "Me", type: "query", body }],
      }),
      mode,
    );

  test("are kept for those who send them once", async () => {
    const { url } = await open();
    expect((await post(url, byHash(sha256(listed)))).errors).toMatchObject([
      { extensions: { code: "PERSISTED_QUERY_NOT_FOUND" } },
    ]);
    expect((await post(url, byHash(sha256(listed), listed))).data).toEqual({ me: { name: "Awa" } });
    expect((await post(url, byHash(sha256(listed)))).data).toEqual({ me: { name: "Awa" } });
  });

  test("of the safelist are there from the beginning, by id and by text however it is laid out", async () => {
    const { url } = await open({ safelist: manifest("enforce") });
    for (const request of [
      byHash(sha256(body)),
      { query: body },
      { query: listed },
      { query: `# mine\n${listed}` },
      byHash(sha256(listed), listed),
    ]) {
      expect(await post(url, request)).toMatchObject({ status: 200, data: { me: { name: "Awa" } } });
    }
  });

  test("and others are refused", async () => {
    const { url, registry } = await open({ safelist: manifest("enforce") });
    for (const query of [
      "{ me { name } }",
      "query Me { me { name __typename } }",
      `${listed} query B { secret }`,
      "mutation Me { rename { name } }",
    ]) {
      const { status, data, errors } = await post(url, {
        query,
        operationName: query.includes("Me") ? "Me" : undefined,
      });
      expect([status, data]).toEqual([400, undefined]);
      expect(errors).toMatchObject([{ extensions: { code: "OPERATION_NOT_IN_SAFELIST" } }]);
    }
    expect(await registry.metrics()).toContain("teranga_gateway_not_in_safelist_total 4");
    // A refused text is not registered either.
    const refused = "{ secret }";
    await post(url, byHash(sha256(refused), refused));
    expect((await post(url, byHash(sha256(refused)))).errors).toMatchObject([
      { extensions: { code: "PERSISTED_QUERY_NOT_FOUND" } },
    ]);
  });

  test("or only logged, once", async () => {
    const { url, lines } = await open({ safelist: manifest("log") });
    for (const query of [listed, "query Other { secret }", "query Other { secret }"]) {
      expect((await post(url, { query })).errors).toBeUndefined();
    }
    const logged = lines.filter(({ msg }) => msg === "an operation is not in the safelist");
    expect(logged).toMatchObject([
      { level: 40, operationName: "Other", hash: sha256("query Other { secret }") },
    ]);
  });

  test("and what is refused for another reason is neither logged nor counted, but what comes after it is", async () => {
    const { url, lines, registry } = await open({ safelist: manifest("log") });
    for (const query of ["{ nothing }", "{", "{ nothing else }", "query Other { secret }"]) {
      await post(url, { query });
    }
    expect(await registry.metrics()).toContain("teranga_gateway_not_in_safelist_total 1");
    const logged = lines.filter(({ msg }) => msg === "an operation is not in the safelist");
    expect(logged).toMatchObject([{ operationName: "Other" }]);
  });
});

describe("a request that is refused for what it asks", () => {
  test.each([
    ["application/json", 200],
    ["application/graphql-response+json", 400],
    ["application/graphql-response+json, application/json;q=0.9", 400],
    ["*/*", 400],
  ])("has for %s the status %i", async (accept, status) => {
    const { url } = await open();
    for (const request of [
      { query: "{" },
      { query: "{ nothing }" },
      { query: "query A { secret }", operationName: "B" },
    ]) {
      expect((await post(url, request, { accept })).status).toBe(status);
    }
    expect((await post(url, {}, { accept })).status).toBe(400);
  });
});
