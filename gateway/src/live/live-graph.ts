/**
 * The graph and the network that requests run on. Both are replaced while the gateway runs, independently of
 * each other.
 */
import type { Logger } from "@teranga/kit/process/log.ts";
import type { GraphQLSchema } from "graphql";
import { type CostModel, createCostModel } from "../door/cost.ts";
import type { Limits } from "../ground/limits.ts";
import { readSupergraph } from "../ground/supergraph.ts";
import type { Network, Networks } from "../network/network.ts";
import { Graph, type GraphObserver } from "../planning/graph.ts";
import { GraphGateway } from "../planning/graph-gateway.ts";
import { createSources, placementsOf } from "../sources/create-sources.ts";
import type { SourceDependencies } from "../sources/source.ts";
import type { GraphChanges, RunnableGraph } from "./graph-keeper.ts";

export interface LiveGraphParts extends SourceDependencies {
  networks: Networks;
  observer?: GraphObserver | undefined;
  /** The limits of operations. */
  limits?: Limits | undefined;
  log?: Logger | undefined;
}

type Topology = RunnableGraph["topology"];

export class LiveGraph implements GraphChanges {
  /** How often it was replaced. */
  generation = 0;
  readonly gateway: GraphGateway;
  readonly #parts: LiveGraphParts;
  readonly #costModels = new WeakMap<GraphQLSchema, CostModel>();
  #supergraphSdl: string;
  #topology: Topology;
  /** The kind of placement of each subgraph, for which a graph's sources are made. */
  #kinds = "";

  /** @throws StartupError, one line, if the supergraph and the topology do not fit together */
  constructor({ supergraphSdl, topology }: RunnableGraph, parts: LiveGraphParts) {
    this.#parts = parts;
    this.#supergraphSdl = supergraphSdl;
    this.#topology = topology;
    const { graph, network } = this.#build(supergraphSdl, topology);
    this.gateway = new GraphGateway(graph, network);
  }

  get network(): Network {
    return this.gateway.network;
  }

  /** The cost model of the graph with this API schema. */
  costModelOf(apiSchema: GraphQLSchema): CostModel | undefined {
    return this.#costModels.get(apiSchema);
  }

  /** Whether the topology places a subgraph. */
  isPlaced(subgraph: string): boolean {
    return this.#topology?.placements.has(subgraph) === true;
  }

  onTopology(topology: Topology): void {
    const placements = placementsOf(this.gateway.graph.supergraph, topology);
    if (kindsOf(placements) === this.#kinds) {
      this.gateway.updateNetwork(this.#parts.networks.update(placements.values()));
      this.#topology = topology;
    } else {
      this.onSupergraph(this.#supergraphSdl, topology);
    }
  }

  onSupergraph(supergraphSdl: string, topology: Topology): void {
    const { graph, network } = this.#build(supergraphSdl, topology);
    this.#supergraphSdl = supergraphSdl;
    this.#topology = topology;
    this.gateway.update(graph, network);
    this.generation++;
  }

  #build(supergraphSdl: string, topology: Topology): { graph: Graph; network: Network } {
    const { networks, observer, limits, log, ...dependencies } = this.#parts;
    const supergraph = readSupergraph(supergraphSdl);
    const placements = placementsOf(supergraph, topology);
    const sources = createSources(supergraph, placements, dependencies);
    const graph = new Graph(supergraph, sources, { observer, limits, log });
    this.#costModels.set(graph.apiSchema, createCostModel(supergraph));
    this.#kinds = kindsOf(placements);
    return { graph, network: networks.update(placements.values()) };
  }
}

function kindsOf(placements: ReturnType<typeof placementsOf>): string {
  return Array.from(placements, ([name, { kind }]) => `${name} ${kind}`).join("\n");
}
