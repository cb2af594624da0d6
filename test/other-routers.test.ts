/**
 * Goal: routers without partitions give our gateway's answers if the partition proxy is between them and the
 * cities, and so does our gateway with the other engine. Method: the stock @apollo/gateway, Hive's gateway
 * with its planner in Rust, and GATEWAY_ENGINE=apollo, over real HTTP, with all cities up and with one down.
 */
import {
  ApolloGateway,
  type GraphQLDataSourceProcessOptions,
  RemoteGraphQLDataSource,
} from "@apollo/gateway";
import { ApolloServer } from "@apollo/server";
import { createGatewayRuntime } from "@graphql-hive/gateway-runtime";
import { unifiedGraphHandler } from "@graphql-hive/router-runtime";
import { withoutSecurity } from "@teranga/gateway/authorization/requirement-names.ts";
import { surfaceOf } from "@teranga/gateway/door/surface.ts";
import { startGateway } from "@teranga/gateway/gateway.ts";
import { visibleErrors } from "@teranga/gateway/ground/error-paths.ts";
import type { PartitionProxy } from "@teranga/gateway/proxy/partition-proxy.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import { compose } from "@teranga/schema/compose.ts";
import { type GraphQLFormattedError, parse, print } from "graphql";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Answer, ask, CREDENTIAL, type Graph, OPERATOR, startGraph } from "./harness/graph.ts";
import {
  CREDENTIAL_HEADERS,
  startCityProxy,
  topologyOf,
  untilThiesIsBack,
} from "./harness/partition-proxy.ts";

interface Router {
  query(query: string, variables: Record<string, unknown>): Promise<Answer>;
  /** The answer's data without the parts that are known to differ. */
  comparable(data: unknown): unknown;
  /** Set for a router that asks the cities itself. */
  url?: string;
  close(): Promise<void>;
}

let graph: Graph;
let proxy: PartitionProxy;
/** The cities that the proxy has asked since the list was last emptied, such as `dakar`. */
let asked: (string | undefined)[] = [];
const routers: Record<string, Router> = {};

beforeAll(async () => {
  graph = await startGraph({ deadlineMs: 1_500 });
  proxy = await startCityProxy(graph, { onSubgraphRequest: ({ partition }) => asked.push(partition) });
  const urls = { city: proxy.url, catalog: graph.serviceUrl("catalog"), orders: graph.serviceUrl("orders") };
  const supergraphSdl = await composeServed(urls);
  routers["@apollo/gateway"] = await startApollo(supergraphSdl);
  routers["Hive's gateway"] = startHive(supergraphSdl);
  routers["GATEWAY_ENGINE=apollo"] = await startOtherEngine();
  await graph.query(
    'mutation { placeOrder(input: { clientId: "thies:2", lines: [{ productId: "101", quantity: 7 }] }) { __typename } }',
  );
});
afterAll(async () => {
  for (const router of Object.values(routers)) await router.close();
  await proxy?.close();
  await graph.close();
});

/** Composes the schemas that these endpoints serve, as the routers' own tools do. */
async function composeServed(urls: Record<string, string>): Promise<string> {
  const subgraphs = Object.entries(urls).map(async ([name, url]) => {
    const { data } = await ask(url, "{ _service { sdl } }", {}, CREDENTIAL_HEADERS);
    return { name, url, sdl: data._service.sdl as string };
  });
  const { supergraphSdl } = compose(await Promise.all(subgraphs));
  // These routers refuse a graph whose @policy they would not enforce. The cities do, by who asks.
  return print(withoutSecurity(parse(supergraphSdl)));
}

async function startApollo(supergraphSdl: string): Promise<Router> {
  class Source extends RemoteGraphQLDataSource {
    override willSendRequest({ request }: GraphQLDataSourceProcessOptions) {
      for (const [name, value] of Object.entries(CREDENTIAL_HEADERS)) request.http!.headers.set(name, value);
    }
  }
  const logger = createLogger("router", "silent");
  const buildService = ({ url }: { url?: string | undefined }) => new Source({ url: url! });
  const gateway = new ApolloGateway({ supergraphSdl, buildService, logger });
  const server = new ApolloServer({ gateway, stopOnTerminationSignals: false, logger });
  await server.start();
  return {
    async query(query, variables) {
      const { body } = await server.executeOperation({ query, variables });
      if (body.kind !== "single") throw new Error("one answer is expected");
      return JSON.parse(JSON.stringify(body.singleResult));
    },
    comparable: (data) => data,
    close: () => server.stop(),
  };
}

function startHive(supergraph: string): Router {
  const gateway = createGatewayRuntime({
    supergraph,
    unifiedGraphHandler,
    logging: false,
    propagateHeaders: { fromClientToSubgraphs: () => CREDENTIAL_HEADERS },
  });
  return {
    async query(query, variables) {
      const headers = { "content-type": "application/json", accept: "application/json" };
      const body = JSON.stringify({ query, variables });
      const response = await gateway.fetch("http://hive/graphql", { method: "POST", headers, body });
      return (await response.json()) as Answer;
    },
    comparable: withoutHollowObjects,
    close: async () => gateway[Symbol.asyncDispose](),
  };
}

async function startOtherEngine(): Promise<Router> {
  const { url, close } = await startGateway({
    source: { kind: "topology", topology: topologyOf(graph) },
    engine: "apollo",
    credential: CREDENTIAL,
    identity: OPERATOR,
    surface: { ...surfaceOf("production"), introspection: true },
    deadlineMs: 1_500,
    port: 0,
    log: createLogger("router", "silent"),
    onSubgraphRequest: ({ partition }) => asked.push(partition),
  });
  return { query: (query, variables) => ask(url, query, variables), comparable: (data) => data, url, close };
}

/**
 * Hive shows a row whose service did not answer as an object of nulls, even if the schema does not allow
 * these nulls.
 */
function withoutHollowObjects(data: unknown): unknown {
  return JSON.parse(JSON.stringify(data ?? null), (_name, value: unknown) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    return Object.values(value).every((member) => member === null) ? null : value;
  });
}

/**
 * The parts of errors that must be equal: the place, and what a client can react to. Both routers report
 * paths into fields that they fetched for themselves (`product.stockEverywhere.1`); our paths end at fields
 * that the client asked for. Hive also reports a missing row at each of its fields. So paths are cut to those
 * in our answer, and each place counts once.
 */
function essence(errors: readonly GraphQLFormattedError[] | undefined, data: unknown): string[] {
  const told = visibleErrors(errors ?? [], data).map(({ path, extensions }) =>
    JSON.stringify([untilNull(path ?? [], data), extensions?.code, extensions?.city, extensions?.field]),
  );
  return [...new Set(told)].sort();
}

function untilNull(path: readonly (string | number)[], data: unknown): readonly (string | number)[] {
  let place = data as Record<string | number, unknown> | null | undefined;
  for (const [depth, step] of path.entries()) {
    place = place?.[step] as typeof place;
    if (place === null) return path.slice(0, depth + 1);
  }
  return path;
}

const ORDER = `fragment OrderParts on Order {
  id total status
  lines { product { id name } quantity }
  allocations { city { id name isDefault } product { name } quantity }
  transaction { state home { id } participants { city { name } } }
}`;

const OPERATIONS: [name: string, query: string, variables?: Record<string, unknown>][] = [
  ["all cities", "{ cities { id name towns clients(first: 2) { edges { node { id name } } } } }"],
  ["clients of two cities", '{ a: client(id: "dakar:1") { name } b: client(id: "thies:2") { name } }'],
  [
    "variables, defaults and conditions",
    `query Q($id: ID! = "thies:2", $first: Int = 2, $no: Boolean!) {
      client(id: $id) { name town @skip(if: $no) orders(first: $first) @include(if: $no) { totalCount } }
      city(id: "Thiès") { id }
    }`,
    { no: false },
  ],
  [
    "entities of all cities, and what is computed from them",
    '{ product(id: "101") { name stock { city { id name } warehouse available } availability { total complete missingCities } } }',
  ],
  ["entities below a list", "{ products(first: 5) { edges { node { id stock { available } } } } }"],
  [
    "crossings through named fragments",
    `{ client(id: "thies:2") { orders { edges { node { ...OrderParts } } } } } ${ORDER}`,
  ],
  [
    "a merged list with what lies below it",
    `query ($first: Int) { clients(first: $first, orderBy: REGISTERED_AT_DESC) {
      all: edges { at: cursor node { __typename id city { name } orders { edges { node { ...OrderParts } } } } }
      pageInfo { more: hasNextPage endCursor } totalCount complete missingCities
    } } ${ORDER}`,
    { first: 30 },
  ],
  ["nothing of an id", '{ client(id: "dakar:99999") { id } order(id: "thies:x") { id } }'],
  ["names of types", '{ __typename cities { __typename } client(id: "dakar:1") { kind: __typename } }'],
  ["a city that does not exist", '{ client(id: "bamako:1") { id } cities { id } }'],
  [
    "bad arguments",
    '{ clients(first: 0) { totalCount } city(id: "dakar") { clients(after: "x") { totalCount } } }',
  ],
  [
    "expected outcomes of mutations",
    `mutation {
      taken: registerClient(input: { name: "X", email: "MNDIAYE@example.com", town: "Dakar" }) { __typename }
      moved: updateClient(input: { id: "dakar:1", town: "Thies" }) { ... on TownOfAnotherCity { city { id name } } }
      nobody: updateClient(input: { id: "thies:999", name: "X" }) { __typename }
      bad: restock(input: { cityId: "dakar", productId: "101", quantity: 0 }) { __typename }
    }`,
  ],
];

interface Allocation {
  city: { id: string };
}

/** Orders one piece more of a product than any two cities have, and cancels the order. */
async function orderAndCancel({ query }: Pick<Router, "query">) {
  const stock = await query('{ product(id: "103") { stock { available } } }', {});
  const levels: number[] = stock.data.product.stock.map(({ available }: { available: number }) => available);
  const [most, next] = levels.sort((a, b) => b - a) as [number, number];
  const lines = [{ productId: "103", quantity: most + next + 1 }];
  const { data, errors } = await query(
    `mutation ($input: PlaceOrderInput!) { placeOrder(input: $input) { ... on OrderPlaced { order {
      id status total client { name } lines { product { name } quantity }
      allocations { city { id name } product { name } quantity } transaction { state participants { city { id } } }
    } } } }`,
    { input: { clientId: "dakar:1", lines } },
  );
  expect(errors).toBeUndefined();
  const { id: orderId, ...order } = data.placeOrder.order;
  const end = await query(
    `mutation ($input: CancelOrderInput!) { cancelOrder(input: $input) { ... on OrderCancelled { order { status
      allocations { quantity } } transaction { state kind } } } }`,
    { input: { orderId } },
  );
  expect(end.errors).toBeUndefined();
  return { order, cancelled: end.data.cancelOrder.order, transaction: end.data.cancelOrder.transaction };
}

describe.each(["@apollo/gateway", "Hive's gateway", "GATEWAY_ENGINE=apollo"])("%s", (name) => {
  async function expectSameAnswer(query: string, variables: Record<string, unknown> = {}): Promise<void> {
    const router = routers[name]!;
    const [ours, theirs] = [await graph.query(query, variables), await router.query(query, variables)];
    expect(router.comparable(theirs.data)).toEqual(router.comparable(ours.data));
    expect(essence(theirs.errors, ours.data)).toEqual(essence(ours.errors, ours.data));
  }

  test.each(OPERATIONS)("%s", async (_name, query, variables) => {
    await expectSameAnswer(query, variables);
  });

  test("an order over three cities, and its end", async () => {
    const ours = await orderAndCancel(graph);
    const theirs = await orderAndCancel(routers[name]!);
    expect(theirs).toEqual(ours);
    expect(new Set(ours.order.allocations.map(({ city }: Allocation) => city.id)).size).toBe(3);
    expect([ours.order.status, ours.cancelled.status]).toEqual(["PLACED", "CANCELLED"]);
  });

  test("mutations happen in their order, over cities", async () => {
    const restock = (alias: string, cityId: string) =>
      `${alias}: restock(input: { cityId: "${cityId}", productId: "102", quantity: 1 }) { ... on Restocked { stock { onHand city { name } } } }`;
    asked = [];
    const mutation = `mutation { ${restock("a", "dakar")} ${restock("b", "thies")} ${restock("c", "dakar")} }`;
    const { data, errors } = await routers[name]!.query(mutation, {});
    expect(errors).toBeUndefined();
    expect(data.c.stock).toEqual({ onHand: data.a.stock.onHand + 1, city: { name: "Dakar" } });
    expect(asked).toEqual(["dakar", "thies", "dakar"]);
  });

  describe("with a city down", () => {
    beforeAll(() => graph.proxy("thies").set("refusing"));
    afterAll(() =>
      untilThiesIsBack(graph, proxy, routers[name]!.url === undefined ? [] : [routers[name]!.url]),
    );

    test.each(OPERATIONS.slice(0, -1))("%s", async (_name, query, variables) => {
      await expectSameAnswer(query, variables);
    });
  });
});
