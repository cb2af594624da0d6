/**
 * What Apollo Server needs of a gateway: a schema, which may be replaced at run time, and an executor for
 * operations.
 */
import type { GraphQLSchema } from "graphql";
import type { Network } from "../network/network.ts";
import type { Engine, Executor, GatewayInterface } from "./engine.ts";

type Listener = Parameters<GatewayInterface["onSchemaLoadOrUpdate"]>[0];

/** What an operation runs on. */
export interface Running {
  engine: Engine;
  network: Network;
}

export class GraphGateway implements GatewayInterface {
  #running: Running;
  /** By API schema. An operation finishes on the graph on which it began, even if that has been replaced. */
  readonly #all = new WeakMap<GraphQLSchema, Running>();
  readonly #listeners = new Set<Listener>();

  constructor(engine: Engine, network: Network) {
    this.#running = { engine, network };
    this.#all.set(engine.apiSchema, this.#running);
  }

  /** @param schema the one that an operation was validated against */
  runningOn(schema: GraphQLSchema): Running {
    return this.#all.get(schema)!;
  }

  get engine(): Engine {
    return this.#running.engine;
  }

  /** Carries out operations by this engine from now on. */
  update(engine: Engine, network: Network): void {
    this.#running = { engine, network };
    this.#all.set(engine.apiSchema, this.#running);
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
    const { engine, network } = this.runningOn(request.schema);
    // The door makes the context before Apollo Server chooses the schema, on which the network depends.
    return engine.execute({ ...request, context: { ...request.context, network } });
  };
}
