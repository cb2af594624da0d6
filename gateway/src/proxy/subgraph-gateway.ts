/**
 * What Apollo Server needs of a gateway, for one partitioned subgraph: its schema, which may be replaced, and
 * an executor.
 */
import type { ApolloServerOptionsWithGateway, BaseContext } from "@apollo/server";
import { GraphQLError, type GraphQLSchema } from "graphql";
import { BoundedCache } from "../ground/bounded-cache.ts";
import { operationsBytesMax } from "../ground/kept-bytes.ts";
import { DEFAULT_LIMITS } from "../ground/limits.ts";
import { namelessOperation } from "../ground/nameless-operation.ts";
import { PartitionSource } from "../sources/partitions/partition-source.ts";
import type { RunContext } from "../sources/request-context.ts";
import type { Source } from "../sources/source.ts";
import { SubgraphOperation } from "./subgraph-operation.ts";
import type { SubgraphSchema } from "./subgraph-schema.ts";

type GatewayInterface = ApolloServerOptionsWithGateway<BaseContext>["gateway"];
type Executor = NonNullable<Awaited<ReturnType<GatewayInterface["load"]>>["executor"]>;
type Listener = Parameters<GatewayInterface["onSchemaLoadOrUpdate"]>[0];

/** A router has a few fetches for each operation of its clients. */
const OPERATIONS = {
  entriesMax: 2_000,
  weightMax: operationsBytesMax(DEFAULT_LIMITS),
} as const;

/** One version of the subgraph with the operations planned on it. */
interface Version {
  subgraph: SubgraphSchema;
  source: Source;
  operations: BoundedCache<SubgraphOperation>;
}

export class SubgraphGateway implements GatewayInterface {
  #current: Version;
  readonly #listeners = new Set<Listener>();
  /** By schema: a request finishes on the version on which it began. */
  readonly #versions = new WeakMap<GraphQLSchema, Version>();

  constructor(subgraph: SubgraphSchema) {
    this.#current = this.#add(subgraph);
  }

  get subgraph(): SubgraphSchema {
    return this.#current.subgraph;
  }

  /** How many planned operations are kept. */
  get operationCount(): number {
    return this.#current.operations.size;
  }

  update(subgraph: SubgraphSchema): void {
    this.#current = this.#add(subgraph);
    this.#notify();
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

  #add(subgraph: SubgraphSchema): Version {
    const source = new PartitionSource(subgraph.spec);
    const operations = new BoundedCache<SubgraphOperation>({
      ...OPERATIONS,
      weigh: (_, operation) => operation.weight,
    });
    const version = { subgraph, source, operations };
    this.#versions.set(subgraph.schema, version);
    return version;
  }

  #notify(): void {
    const { schema, sdl } = this.#current.subgraph;
    for (const listener of this.#listeners) listener({ apiSchema: schema, coreSupergraphSdl: sdl });
  }

  readonly #execute: Executor = async ({ schema, document, request, context }) => {
    const { subgraph, source, operations } = this.#versions.get(schema)!;
    const { operationName, variables = {} } = request;
    const nameless = namelessOperation({ document, operationName, variables });
    try {
      const make = () => new SubgraphOperation(nameless, subgraph, source);
      return await operations.get(nameless.key, make).execute(variables, context as RunContext);
    } catch (error) {
      // If an executor throws, Apollo Server answers with status 500, so errors are returned.
      const originalError = error instanceof Error ? error : new Error(String(error));
      return { errors: [new GraphQLError(originalError.message, { originalError })] };
    }
  };
}
