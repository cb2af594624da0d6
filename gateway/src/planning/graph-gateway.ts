/**
 * What Apollo Server needs of a gateway: a schema, which may be replaced at run time, and an executor for
 * operations.
 */
import type { GraphQLSchema } from "graphql";
import type { DeferredAnswer } from "../execution/defer/defer-answer.ts";
import type { AskedOperation } from "../ground/nameless-operation.ts";
import type { Network } from "../network/network.ts";
import type { GatewayContext } from "../sources/request-context.ts";
import type { Engine, Executor, GatewayInterface } from "./engine.ts";
import type { SideThread } from "./side-thread.ts";

type Listener = Parameters<GatewayInterface["onSchemaLoadOrUpdate"]>[0];

interface Running {
  engine: Engine;
  network: Network;
}

/**
 * By API schema. An operation finishes on the graph on which it began, even if that has been replaced since.
 */
const RUNNING = new WeakMap<GraphQLSchema, Running>();

/** The thread that validates large documents against this API schema. */
export function sideThreadOf(schema: GraphQLSchema): SideThread | undefined {
  return RUNNING.get(schema)?.engine.sideThread;
}

/**
 * Begins an answer in parts. Returns undefined if nothing is deferred, or if the operation cannot be begun:
 * the executor then reports why.
 * @param schema the one that the operation was validated against
 */
export function beginDeferred(
  schema: GraphQLSchema,
  asked: AskedOperation,
  context: GatewayContext,
): Promise<DeferredAnswer | undefined> {
  const { engine, network } = RUNNING.get(schema)!;
  return engine.beginDeferred(asked, { ...context, network });
}

export class GraphGateway implements GatewayInterface {
  #running: Running;
  readonly #listeners = new Set<Listener>();

  constructor(engine: Engine, network: Network) {
    this.#running = { engine, network };
    RUNNING.set(engine.apiSchema, this.#running);
  }

  get engine(): Engine {
    return this.#running.engine;
  }

  get network(): Network {
    return this.#running.network;
  }

  /** Carries out operations by this engine from now on. */
  update(engine: Engine, network: Network): void {
    this.#running = { engine, network };
    RUNNING.set(engine.apiSchema, this.#running);
    this.#notify();
  }

  /** Sends the engine's requests to these services from now on. */
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
    const { apiSchema, supergraph } = this.#running.engine;
    for (const listener of this.#listeners) listener({ apiSchema, coreSupergraphSdl: supergraph.sdl });
  }

  readonly #execute: Executor = (request) => {
    const { engine, network } = RUNNING.get(request.schema)!;
    // The context was made before Apollo Server chose the schema, so the network must be that of the schema.
    return engine.execute({ ...request, context: { ...request.context, network } });
  };
}
