/**
 * What Apollo Server asks of a gateway: a schema, which may be replaced while it runs, and how operations are
 * carried out.
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
 * By what clients see. An operation that began on a graph goes on with it, though another may have come
 * since.
 */
const RUNNING = new WeakMap<GraphQLSchema, Running>();

/** Where large documents are validated against what clients see. */
export function sideThreadOf(schema: GraphQLSchema): SideThread | undefined {
  return RUNNING.get(schema)?.graph.sideThread;
}

/**
 * Begins an answer in parts; undefined if nothing is deferred, or if the operation cannot be begun: then the
 * executor says why.
 * @param schema what the operation was validated against
 */
export async function beginDeferred(
  schema: GraphQLSchema,
  asked: AskedOperation,
  context: GatewayContext,
): Promise<DeferredAnswer | undefined> {
  const { graph, network } = RUNNING.get(schema)!;
  const operation = await graph.deferredOperation(asked);
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

  /** From now on operations are carried out on this graph. */
  update(graph: Graph, network: Network): void {
    this.#running = { graph, network };
    RUNNING.set(graph.apiSchema, this.#running);
    this.#notify();
  }

  /** From now on the graph's operations go to these services. */
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
    // The context was made before Apollo Server chose the schema; the two must be of one time.
    return operation.execute(variables, { ...own, network });
  };
}
