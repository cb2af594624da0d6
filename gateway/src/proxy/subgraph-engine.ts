/** The engine of the partition proxy: it splits what routers send to one partitioned subgraph. */
import type { GraphQLSchema } from "graphql";
import { BoundedCache } from "../ground/bounded-cache.ts";
import { asGraphQLError } from "../ground/faults.ts";
import { operationsBytesMax } from "../ground/kept-bytes.ts";
import { DEFAULT_LIMITS } from "../ground/limits.ts";
import { namelessOperation } from "../ground/nameless-operation.ts";
import type { Supergraph } from "../ground/supergraph.ts";
import type { Engine, Executor } from "../planning/engine.ts";
import type { RunContext } from "../sources/request-context.ts";
import type { Source } from "../sources/source.ts";
import { SubgraphOperation } from "./subgraph-operation.ts";
import type { SubgraphSchema } from "./subgraph-schema.ts";

/** A router has a few fetches for each operation of its clients. */
const OPERATIONS = {
  entriesMax: 2_000,
  weightMax: operationsBytesMax(DEFAULT_LIMITS),
} as const;

export class SubgraphEngine implements Engine {
  readonly supergraph: Supergraph;
  readonly apiSchema: GraphQLSchema;
  /** It knows the schema that clients see, and routers see another one. */
  readonly sideThread = undefined;
  readonly #subgraph: SubgraphSchema;
  readonly #source: Source;
  readonly #operations = new BoundedCache<SubgraphOperation>({
    ...OPERATIONS,
    weigh: (_, operation) => operation.weight,
  });

  /** @param supergraph the subgraph's own, which has no other */
  constructor(supergraph: Supergraph, subgraph: SubgraphSchema, source: Source) {
    this.supergraph = supergraph;
    this.apiSchema = subgraph.schema;
    this.#subgraph = subgraph;
    this.#source = source;
  }

  /** How many planned operations are kept. */
  get operationCount(): number {
    return this.#operations.size;
  }

  readonly execute: Executor = async ({ document, request, context }) => {
    const { operationName, variables = {} } = request;
    const nameless = namelessOperation({ document, operationName, variables });
    try {
      const make = () => new SubgraphOperation(nameless, this.#subgraph, this.#source);
      return await this.#operations.get(nameless.key, make).execute(variables, context as RunContext);
    } catch (error) {
      // If an executor throws, Apollo Server answers with status 500, so errors are returned.
      return { errors: [asGraphQLError(error)] };
    }
  };

  /** Routers defer for themselves. */
  async beginDeferred(): Promise<undefined> {}
}
