/**
 * Goal: the partition proxy takes what a router sends, and refuses the rest. Method: a proxy over the real
 * cities.
 */
import type { PartitionProxy } from "@teranga/gateway/proxy/partition-proxy.ts";
import { getIntrospectionQuery } from "graphql";
import { serverAudits } from "graphql-http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ask, type Graph, startGraph } from "./harness/graph.ts";
import { CREDENTIAL_HEADERS, startCityProxy } from "./harness/partition-proxy.ts";

let graph: Graph;
let proxy: PartitionProxy;
/** The cities that the proxy has asked since the list was last emptied, such as `dakar`. */
let asked: (string | undefined)[] = [];
beforeAll(async () => {
  graph = await startGraph();
  proxy = await startCityProxy(graph, { onSubgraphRequest: ({ partition }) => asked.push(partition) });
});
afterAll(async () => {
  await proxy?.close();
  await graph.close();
});

describe("to callers the proxy is a service like any other", () => {
  const headers = { ...CREDENTIAL_HEADERS, "apollo-require-preflight": "true" };
  const audits = serverAudits({
    url: () => proxy.url,
    fetchFn: (url: string, init: RequestInit = {}) =>
      fetch(url, { ...init, headers: { ...headers, ...(init.headers as Record<string, string>) } }),
  });
  test.each(audits.map((audit) => [audit.name, audit] as const))("%s", async (_, audit) => {
    const result = await audit.fn();
    expect(result.status === "ok" ? "ok" : `${result.status}: ${result.reason}`).toBe("ok");
  });
});

describe("what a router can send to the proxy", () => {
  const askProxy = (query: string, variables?: Record<string, unknown>, headers = CREDENTIAL_HEADERS) =>
    ask(proxy.url, query, variables, headers);

  test("the schema that the cities serve", async () => {
    const [own, city] = await Promise.all(
      [proxy.url, graph.serviceUrl("dakar")].map((url) =>
        ask(url, "{ _service { sdl } }", {}, CREDENTIAL_HEADERS),
      ),
    );
    expect(own).toEqual(city);
    const [introspected, expected] = await Promise.all(
      [proxy.url, graph.serviceUrl("dakar")].map((url) =>
        ask(url, getIntrospectionQuery(), {}, CREDENTIAL_HEADERS),
      ),
    );
    expect(introspected).toEqual(expected);
  });

  test("entities under any name, of any variable, beside other fields", async () => {
    const { data, errors } = await askProxy(
      `query ($r0: [_Any!]!, $yes: Boolean!, $first: Int) {
        __typename
        _v0: _entities(representations: $r0) { __typename ... on Client { name } ... on City { name clients(first: $first) { totalCount } } }
        _v1: _entities(representations: [{ __typename: "City", id: "dakar" }]) { ... on City { id } }
        _v1: _entities(representations: [{ __typename: "City", id: "dakar" }]) { ... on City { name } }
        no: _entities(representations: []) @skip(if: $yes) { __typename }
        client(id: "dakar:1") { id }
        __type(name: "City") { name }
      }`,
      {
        yes: true,
        first: 1,
        r0: [
          { __typename: "Client", id: "thies:2" },
          { __typename: "City", id: "autres" },
          { __typename: "Client", id: "dakar:99999" },
        ],
      },
    );
    expect(errors).toBeUndefined();
    expect(data).toEqual({
      __typename: "Query",
      _v0: [
        { __typename: "Client", name: "Awa Diop" },
        { __typename: "City", name: "Autres", clients: { totalCount: expect.any(Number) } },
        null,
      ],
      _v1: [{ id: "dakar", name: "Dakar" }],
      client: { id: "dakar:1" },
      __type: { name: "City" },
    });
  });

  test("entities that do not exist, or of no owner, are errors at their places", async () => {
    const { data, errors } = await askProxy(
      `query ($representations: [_Any!]!) { e: _entities(representations: $representations) { ... on Client { name } } }`,
      {
        representations: [
          { __typename: "Client", id: "bamako:1" },
          { __typename: "Product", id: "101" },
          { __typename: "Client", id: "thies:2" },
          { __typename: "Nothing" },
          {},
          { __typename: "Client" },
        ],
      },
    );
    expect(data).toEqual({ e: [null, null, { name: "Awa Diop" }, null, null, null] });
    expect(errors!.map(({ path, extensions }) => [path![1], extensions?.code]).sort()).toEqual([
      [0, "UNKNOWN_CITY"],
      [1, "BAD_USER_INPUT"],
      [3, "BAD_USER_INPUT"],
      [4, "BAD_USER_INPUT"],
      [5, "BAD_USER_INPUT"],
    ]);
  });

  test.each([
    ["not GraphQL", "GRAPHQL_PARSE_FAILED", "{ city("],
    ["an unknown field", "GRAPHQL_VALIDATION_FAILED", "{ nothing }"],
    [
      "what services ask one another",
      "GRAPHQL_VALIDATION_FAILED",
      '{ keyedTransaction(kind: ORDER, idempotencyKey: "x") { transactionId } }',
    ],
    ["a missing variable", "BAD_USER_INPUT", "query ($id: ID!) { client(id: $id) { id } }"],
    ["too many tokens", "OPERATION_LIMIT_EXCEEDED", `{ ${"__typename ".repeat(10_000)} }`],
    [
      "fragments that multiply",
      "OPERATION_LIMIT_EXCEEDED",
      `{ ...F0 } ${Array.from({ length: 15 }, (_, n) => `fragment F${n} on Query { ...F${n + 1} ...F${n + 1} }`).join(" ")} fragment F15 on Query { __typename }`,
    ],
    ["no name of two", "OPERATION_RESOLUTION_FAILURE", "query A { __typename } query B { __typename }"],
  ])("but not %s, with which nobody is asked", async (_name, code, query) => {
    asked = [];
    const { data, errors } = await askProxy(query);
    expect(data ?? null).toBeNull();
    expect(errors!.map(({ extensions }) => extensions?.code)).toEqual([code]);
    expect(asked).toEqual([]);
  });

  test("nothing without the credential but health and metrics", async () => {
    const { errors } = await askProxy("{ __typename }", {}, { authorization: "Bearer of nothing" });
    expect(errors![0]!.extensions).toEqual({ code: "UNAUTHENTICATED" });
    const get = async (path: string) => (await fetch(new URL(path, proxy.url))).text();
    expect(await get("/health/ready")).toBe('{"status":"ready"}');
    expect(await get("/metrics")).toMatch(/teranga_gateway_\w+\{.*partition="dakar"|city="dakar"/);
  });

  test("nothing whose deadline is over", async () => {
    asked = [];
    const { errors } = await askProxy("{ cities { id } }", {}, {
      ...CREDENTIAL_HEADERS,
      "x-deadline-ms": "0",
    } as never);
    expect(errors![0]!.extensions).toEqual({ code: "DEADLINE_EXCEEDED" });
    graph.proxy("thies").set("silent");
    const startedMs = performance.now();
    const late = await askProxy("{ cities { id } }", {}, {
      ...CREDENTIAL_HEADERS,
      "x-deadline-ms": "300",
    } as never);
    expect(performance.now() - startedMs).toBeLessThan(1_200);
    expect(late.data.cities.filter(Boolean)).toHaveLength(3);
  });
});
