/** Graphs over schemas in this process, and the list of what they were asked. */

import { buildSubgraphSchema } from "@apollo/subgraph";
import { createLogger } from "@teranga/kit/log.ts";
import type { SubgraphRequest } from "@teranga/kit/transport.ts";
import { compose } from "@teranga/schema/compose.ts";
import { graphql, parse } from "graphql";
import { readSupergraph } from "../graph/supergraph.ts";
import type { AskedOperation } from "../nameless-operation.ts";
import type { LivePlacement } from "../network/network.ts";
import { createAnswerBudget } from "../partition/answer-budget.ts";
import type { GatewayContext } from "../request-context.ts";
import { createSources } from "../sources/create-sources.ts";
import type { Limits } from "../surface/limits.ts";
import { RequestRecord } from "../surface/request-record.ts";
import { Graph } from "./graph.ts";

export interface SubgraphFixture {
  sdl: string;
  // biome-ignore lint/suspicious/noExplicitAny: as buildSubgraphSchema has them
  resolvers: any;
  /**
   * The ids of its partitions, which its rows' ids begin with (`north:1`), if it has some. All of them
   * resolve alike.
   */
  partitions?: readonly string[];
}

export interface AskedRequest extends SubgraphRequest {
  subgraph: string;
}

const LINK = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import:
  ["@key", "@external", "@requires", "@provides", "@shareable", "@inaccessible", "@interfaceObject", "@override", "@composeDirective"])`;

const PARTITION_LINK = `
  @link(url: "https://teranga.dev/partition/v1.0", import: ["@partition", "@gather", "@merge", "@crosses"])
  @composeDirective(name: "@partition") @composeDirective(name: "@gather")
  directive @partition(by: String!) on OBJECT | FIELD_DEFINITION directive @gather on FIELD_DEFINITION
`;

export function startGraph(subgraphs: Record<string, SubgraphFixture>, limits?: Pick<Limits, "tokensMax">) {
  const sdls = Object.entries(subgraphs).map(([name, { sdl, partitions }]) => ({
    name,
    url: `http://${name}/graphql`,
    sdl: LINK + (partitions ? PARTITION_LINK : "") + sdl,
  }));
  const supergraph = readSupergraph(compose(sdls).supergraphSdl);
  const graph = new Graph(supergraph, createSources(supergraph, kindsOf(subgraphs), {}), { limits });
  const asked: AskedRequest[] = [];
  const placements = new Map<string, LivePlacement>();
  for (const { name, sdl } of sdls) {
    const schema = buildSubgraphSchema([{ typeDefs: parse(sdl), resolvers: subgraphs[name]!.resolvers }]);
    const ask = async (request: SubgraphRequest) => {
      asked.push({ subgraph: name, ...request });
      const { query: source, operationName, variables: variableValues } = request;
      const result = await graphql({ schema, source, operationName, variableValues });
      return { ...JSON.parse(JSON.stringify(result)), shared: false };
    };
    const { partitions } = subgraphs[name]!;
    placements.set(
      name,
      partitions
        ? { ...kindOf(name), partitionIds: partitions, ask: new Map(partitions.map((id) => [id, ask])) }
        : { kind: "replicas", subgraph: name, ask },
    );
  }
  const newContext = (): GatewayContext => ({
    requestId: "test",
    log: createLogger("test", "silent"),
    network: { placements },
    deadlineAtMs: Number.POSITIVE_INFINITY,
    fetchDeadlineMs: 5_000,
    forwardedHeaders: {},
    unavailable: new Set(),
    budget: createAnswerBudget(),
    record: new RequestRecord("test", false, () => 0),
  });
  const ask = async (query: string, variables: Record<string, unknown> = {}) => {
    asked.length = 0;
    const result = await (await graph.operation(asking(query, variables))).execute(variables, newContext());
    const errors = result.errors?.map(({ message, path }) => ({ message, path }));
    return { data: JSON.parse(JSON.stringify(result.data)), ...(errors && { errors }), asked: [...asked] };
  };
  return { ask, asked, graph, newContext };
}

/** An operation as a client asks for it. */
export const asking = (query: string, variables: Record<string, unknown> = {}): AskedOperation => ({
  document: parse(query),
  operationName: undefined,
  variables,
});

const kindOf = (subgraph: string) => ({
  kind: "partitions" as const,
  subgraph,
  partitions: [],
  partitionOf: (value: string) => value.split(":")[0]!,
});

const kindsOf = (subgraphs: Record<string, SubgraphFixture>) =>
  new Map(
    Object.keys(subgraphs)
      .filter((name) => subgraphs[name]!.partitions)
      .map((name) => [name, kindOf(name)]),
  );
