/**
 * What Apollo Server needs of a gateway: a schema, which may be replaced at run time, and an executor for
 * operations.
 */
import { prettyFormatQueryPlan } from "@apollo/query-planner";
import type { ApolloServerOptionsWithGateway, BaseContext } from "@apollo/server";
import type { GraphQLSchema } from "graphql";
import type { DeferredAnswer } from "../execution/defer/defer-answer.ts";
import type { AskedOperation } from "../ground/nameless-operation.ts";
import type { Network } from "../network/network.ts";
import type { GatewayContext } from "../sources/request-context.ts";
import type { Graph } from "./graph.ts";
import type { SideThread } from "./side-thread.ts";

type GatewayInterface = ApolloServerOptionsWithGateway<BaseContext>["gateway"];
type Executor = NonNullable<Awaited<ReturnType<GatewayInterface["load"]>>["executor"]>;
type Listener = Parameters<GatewayInterface["onSchemaLoadOrUpdate"]>[0];

interface Running {
  graph: Graph;
  network: Network;
}

/**
 * By API schema. An operation finishes on the graph on which it began, even if that has been replaced since.
 */
const RUNNING = new WeakMap<GraphQLSchema, Running>();

/** The thread that validates large documents against this API schema. */
export function sideThreadOf(schema: GraphQLSchema): SideThread | undefined {
  return RUNNING.get(schema)?.graph.sideThread;
}

/**
 * Begins an answer in parts. Returns undefined if nothing is deferred, or if the operation cannot be begun:
 * the executor then reports why.
 * @param schema the one that the operation was validated against
 */
export async function beginDeferred(
  schema: GraphQLSchema,
  asked: AskedOperation,
  context: GatewayContext,
): Promise<DeferredAnswer | undefined> {
  const { graph, network } = RUNNING.get(schema)!;
  const operation = await graph.operationInParts(asked);
  return operation?.begin(asked.variables, { ...context, network });
}

export class GraphGateway implements GatewayInterface {
  #running: Running;
  readonly #listeners = new Set<Listener>();

  constructor(graph: Graph, network: Network) {
    this.#running = { graph, network };
    RUNNING.set(graph.apiSchema, this.#running);
  }

  get graph(): Graph {
    return this.#running.graph;
  }

  get network(): Network {
    return this.#running.network;
  }

  /** Carries out operations on this graph from now on. */
  update(graph: Graph, network: Network): void {
    this.#running = { graph, network };
    RUNNING.set(graph.apiSchema, this.#running);
    this.#notify();
  }

  /** Sends the graph's requests to these services from now on. */
  updateNetwork(network: Network): void {
    this.#running.network = network;
  }

  onSchemaLoadOrUpdate(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async load(): ReturnType<GatewayInterface["load"]> {
    this.#notify();
    return { executor: this.#execute };
  }

  async stop(): Promise<void> {
    this.#listeners.clear();
  }

  #notify(): void {
    const { apiSchema, supergraph } = this.#running.graph;
    for (const listener of this.#listeners) listener({ apiSchema, coreSupergraphSdl: supergraph.sdl });
  }

  readonly #execute: Executor = async ({ schema, document, request, context }) => {
    const { graph, network } = RUNNING.get(schema)!;
    const { operationName, variables = {} } = request;
    const asked = { document, operationName, variables };
    const operation = await graph.operation(asked);
    const own = context as GatewayContext;
    own.record.planned(() => prettyFormatQueryPlan(graph.planOf(asked)));
    // The context was made before Apollo Server chose the schema, so the network must be that of the schema.
    return operation.execute(variables, { ...own, network });
  };
}
