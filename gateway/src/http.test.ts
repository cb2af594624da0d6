/**
 * Goal: the gateway behaves correctly at its door: limits, errors, health, Sandbox, CORS. Method: plain HTTP
 * against a whole gateway.
 */
import { get } from "node:http";
import { connect } from "node:net";
import { getIntrospectionQuery } from "graphql";
import { afterAll, beforeAll, expect, test } from "vitest";
import { surfaceOf } from "./door/surface.ts";
import { Library } from "./fixture/library.ts";
import { DEFAULT_LIMITS, FIELDS_MAX } from "./ground/limits.ts";

let library: Library;
beforeAll(async () => {
  library = await Library.start();
  await library.ask("{ __typename }");
});
afterAll(() => library.close());

/** The most that a refusal may take on a busy machine. On a quiet one it takes 2 to 5 ms. */
const REFUSED_WITHIN_MS = 1_000;

async function refusal(query: string, variables?: Record<string, unknown>) {
  const startMs = performance.now();
  const answer = await library.askCounting(query, variables);
  expect(performance.now() - startMs).toBeLessThan(REFUSED_WITHIN_MS);
  expect(answer.asked).toEqual([]);
  expect(answer.data).toBeUndefined();
  return answer.errors!.map(({ message, extensions }) => ({ message, code: extensions.code }));
}

const DEPTH_MAX = DEFAULT_LIMITS.depthMax;

const nested = (levels: number) =>
  `{ reader(id: "north:1") ${"{ bestFriend ".repeat(levels - 2)} { id } ${"}".repeat(levels - 2)} }`;

test("an operation is refused for its depth before anything is planned", async () => {
  expect(await refusal(nested(50))).toEqual([
    {
      message: `The operation is nested 50 levels deep; ${DEPTH_MAX} are allowed.`,
      code: "OPERATION_LIMIT_EXCEEDED",
    },
  ]);
  const hidden = `query { reader(id: "north:1") { ...f } } fragment f on Reader ${"{ bestFriend ".repeat(30)} { id } ${"}".repeat(30)}`;
  expect(await refusal(hidden)).toMatchObject([{ code: "OPERATION_LIMIT_EXCEEDED" }]);
  const { data, errors } = await library.ask(nested(DEPTH_MAX));
  expect(errors).toBeUndefined();
  expect(data.reader.bestFriend.bestFriend.bestFriend.bestFriend).toBeDefined();
});

test("fragments that multiply are refused for what they expand to", async () => {
  const levels = 15;
  const fragments = Array.from(
    { length: levels },
    (_, level) => `fragment f${level} on Reader { id ...f${level + 1} ... on Reader { ...f${level + 1} } }`,
  );
  const bomb = `{ reader(id: "north:1") { ...f0 } } ${fragments.join("\n")} fragment f${levels} on Reader { name }`;
  const [error] = await refusal(bomb);
  expect(error).toMatchObject({ code: "OPERATION_LIMIT_EXCEEDED" });
  expect(error!.message).toContain(`${FIELDS_MAX} are allowed`);
});

test("fragments in fragments without a field are refused too", async () => {
  const levels = 1_500;
  const query = `{ reader(id: "north:1") { ${"... on Reader { ".repeat(levels)} id ${"}".repeat(levels)} } }`;
  expect(await refusal(query)).toMatchObject([{ code: "OPERATION_LIMIT_EXCEEDED" }]);
});

test("a fragment that contains itself is refused", async () => {
  const codes = await refusal(`{ reader(id: "1") { ...f } } fragment f on Reader { bestFriend { ...f } }`);
  expect(codes).toMatchObject([{ code: "GRAPHQL_VALIDATION_FAILED" }]);
});

test.each([
  ["not GraphQL", "{ reader(", undefined, "GRAPHQL_PARSE_FAILED"],
  ["too many tokens", `{ ${"a ".repeat(10_001)} }`, undefined, "OPERATION_LIMIT_EXCEEDED"],
  ["an unknown field", "{ nobody }", undefined, "GRAPHQL_VALIDATION_FAILED"],
  ["a hidden field", "{ internal }", undefined, "GRAPHQL_VALIDATION_FAILED"],
  ["an unknown directive", "{ branches @nothing { id } }", undefined, "GRAPHQL_VALIDATION_FAILED"],
  [
    "a variable of the wrong type",
    "query ($id: ID!) { reader(id: $id) { id } }",
    { id: { a: 1 } },
    "BAD_USER_INPUT",
  ],
])("%s is a coded error", async (_, query, variables, code) => {
  expect(await refusal(query, variables)).toMatchObject([{ code }]);
});

test("introspection shows the clients' schema, without what is hidden and how it is partitioned", async () => {
  const { data, errors } = await library.ask(
    getIntrospectionQuery({ descriptions: true, inputValueDeprecation: true }),
  );
  expect(errors).toBeUndefined();
  const text = JSON.stringify(data);
  expect(text).toContain('"findReaders"');
  for (const hidden of ["internal", "gather", "join__", "_entities"])
    expect(text).not.toContain(`"${hidden}`);
});

test("a body over the limit, and one that is not JSON, are coded errors", async () => {
  const large = await library.ask("{ __typename }", { text: "x".repeat(1024 * 1024) });
  expect(large).toMatchObject({ status: 413, errors: [{ extensions: { code: "REQUEST_TOO_LARGE" } }] });
  const headers = { "content-type": "application/json" };
  const broken = await fetch(library.gateway.url, { method: "POST", headers, body: "{" });
  expect(broken.status).toBe(400);
  expect(await broken.json()).toMatchObject({ errors: [{ extensions: { code: "BAD_REQUEST" } }] });
});

test("batches and requests that a foreign page could send are refused", async () => {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify([{ query: "{ __typename }" }, { query: "{ __typename }" }]);
  const batch = await fetch(library.gateway.url, { method: "POST", headers, body });
  expect(batch.status).toBe(400);
  const foreign = await fetch(`${library.gateway.url}?query={__typename}`);
  expect(foreign.status).toBe(400);
});

test.each<[from: string, headers: Record<string, string>, status: number]>([
  ["a program", {}, 200],
  ["a page of the gateway's own", { "sec-fetch-site": "same-origin" }, 200],
  ["a foreign page", { origin: "https://example.com", "sec-fetch-site": "cross-site" }, 400],
  ["an image in a foreign page", { "sec-fetch-site": "cross-site" }, 400],
  ["a program that does not ask for GraphQL's media type", { accept: "*/*" }, 400],
])("a query by GET from %s", async (_, headers, status) => {
  const accept =
    "application/graphql-response+json, application/graphql+json, application/json, text/event-stream";
  const answer = await fetch(`${library.gateway.url}?query={__typename}`, {
    headers: { accept, ...headers },
  });
  expect(answer.status).toBe(status);
});

test("the request id is taken over or made, sent along and given back", async () => {
  const given = await library.ask("{ branches { id } }", {}, { "x-request-id": "mine-1" });
  expect(given.headers.get("x-request-id")).toBe("mine-1");
  expect(library.requestIds.slice(-3)).toEqual(["mine-1", "mine-1", "mine-1"]);
  const made = await library.ask("{ branches { id } }", {}, { "x-request-id": "not a token" });
  expect(made.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  expect(library.requestIds.at(-1)).toBe(made.headers.get("x-request-id"));
});

test("Sandbox is the landing page, and may ask from where it lives", async () => {
  const page = await fetch(library.gateway.url, { headers: { accept: "text/html" } });
  expect(page.headers.get("content-type")).toContain("text/html");
  expect(await page.text()).toContain("sandbox");

  const preflight = (origin: string) =>
    fetch(library.gateway.url, {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,apollo-require-preflight",
      },
    });
  const frame = await preflight("https://sandbox.embed.apollographql.com");
  expect(frame.headers.get("access-control-allow-origin")).toBe("https://sandbox.embed.apollographql.com");
  expect(frame.headers.get("access-control-allow-headers")).toContain("content-type");
  for (const origin of ["https://studio.apollographql.com", "http://localhost:5173", "https://example.com"]) {
    expect((await preflight(origin)).headers.get("access-control-allow-origin")).toBeNull();
  }
});

test("in production a page of an origin that the operator names may ask, and of no other", async () => {
  const corsOrigins = ["https://shop.example"];
  const own = await Library.start({ surface: surfaceOf("production"), corsOrigins });
  try {
    const allowed = async (origin: string) => {
      const answer = await fetch(own.gateway.url, { method: "OPTIONS", headers: { origin } });
      return answer.headers.get("access-control-allow-origin");
    };
    expect(await allowed("https://shop.example")).toBe("https://shop.example");
    for (const origin of ["https://shop.example.com", "http://localhost:5173", "https://a.shop.example"])
      expect(await allowed(origin)).toBeNull();
    const withoutOrigin = await fetch(own.gateway.url, { method: "OPTIONS" });
    expect([withoutOrigin.status, await withoutOrigin.text()]).toEqual([204, ""]);
  } finally {
    await own.close();
  }
});

/** `fetch` would set the host itself. */
function statusFor(port: number, host: string, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { host, "apollo-require-preflight": "1" };
    get({ host: "127.0.0.1", port, path, headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode!);
    }).on("error", reject);
  });
}

test("in development pages of localhost may ask, and a name that was made to lead here is refused", async () => {
  const publicUrl = "https://tunnel.example/graphql";
  const own = await Library.start({ surface: surfaceOf("development"), publicUrl });
  try {
    const { port, url } = own.gateway;
    expect(url).toBe(publicUrl);
    const query = "/graphql?query={__typename}";
    for (const host of ["localhost:80", "127.0.0.1", "[::1]:4000", "tunnel.example"])
      expect(await statusFor(port, host, query)).toBe(200);
    for (const host of ["rebound.example", "127.0.0.1.example", "localhost.example:80"]) {
      expect(await statusFor(port, host, query)).toBe(421);
      expect(await statusFor(port, host, "/health/live")).toBe(200);
    }
    for (const [origin, allowed] of [
      ["http://localhost:5173", "http://localhost:5173"],
      ["http://localhost.example.com", null],
    ] as const) {
      const answer = await fetch(`http://127.0.0.1:${port}/graphql`, {
        method: "OPTIONS",
        headers: { origin },
      });
      expect(answer.headers.get("access-control-allow-origin")).toBe(allowed);
      // A page that may ask may also send a query by GET.
      const accept = "application/graphql-response+json";
      const sent = await fetch(`http://127.0.0.1:${port}${query}`, { headers: { origin, accept } });
      expect(sent.status).toBe(allowed === null ? 400 : 200);
    }
  } finally {
    await own.close();
  }
});

test("health says that it lives and that it is ready", async () => {
  for (const [path, status] of [
    ["live", "live"],
    ["ready", "ready"],
  ]) {
    const answer = await fetch(new URL(`/health/${path}`, library.gateway.url));
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ status });
  }
});

test("closing ends a request under way first, and takes no new ones", async () => {
  const own = await Library.start({ deadlineMs: 300 });
  await own.stopBranch("south");
  await own.silence("south");
  const underWay = own.ask(`{ reader(id: "south:1") { id } }`);
  while (own.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const startMs = performance.now();
  await own.gateway.close();
  // The client keeps its connection alive, which must not keep the server open.
  expect(performance.now() - startMs).toBeLessThan(5_000);
  expect((await underWay).errors).toMatchObject([{ extensions: { code: "BRANCH_UNAVAILABLE" } }]);
  await expect(
    new Promise((resolve, reject) => {
      connect(own.gateway.port, "127.0.0.1").on("connect", resolve).on("error", reject);
    }),
  ).rejects.toMatchObject({ code: "ECONNREFUSED" });
  await own.closeServices();
});

const GARBAGE = '\u00ff;=,"{[*/*;q=NaN';

test.each([
  "accept",
  "accept-encoding",
  "apollo-require-preflight",
  "authorization",
  "cookie",
  "origin",
  "traceparent",
  "tracestate",
  "x-deadline-ms",
  "x-explain",
  "x-forwarded-for",
  "x-request-id",
])(
  "a header %s that is garbage gets an answer or a coded error, and the next request its answer",
  async (name) => {
    const { status, data, errors } = await library.ask(
      `{ reader(id: "north:1") { id } }`,
      {},
      { [name]: GARBAGE },
    );
    if (status === 200) expect(data).toEqual({ reader: { id: "north:1" } });
    else expect(errors).toEqual([expect.objectContaining({ extensions: { code: "BAD_REQUEST" } })]);
    expect((await library.ask(`{ reader(id: "north:1") { id } }`)).data).toEqual({
      reader: { id: "north:1" },
    });
  },
);

test("a content type that is garbage is refused with a code", async () => {
  const { status, errors } = await library.ask("{ __typename }", {}, { "content-type": GARBAGE });
  expect(status).toBeGreaterThanOrEqual(400);
  expect(status).toBeLessThan(500);
  expect(errors).toMatchObject([{ extensions: { code: "BAD_REQUEST" } }]);
});
