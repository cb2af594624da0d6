/** The query planner of one supergraph. It uses our search, and its plans have no stand-ins. */
import { type Operation, operationFromDocument, type Schema } from "@apollo/federation-internals";
import { type QueryPlan, QueryPlanner } from "@apollo/query-planner";
import {
  type DocumentNode,
  type GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  OperationTypeNode,
} from "graphql";
import { withFailuresLast } from "../execution/mutation-requests.ts";
import { inlinedOperation } from "../ground/documents.ts";
import { limitExceeded } from "../ground/limits.ts";
import type { StandIns } from "../ground/stand-ins.ts";
import type { Supergraph } from "../ground/supergraph.ts";
import { withTypenames } from "./empty-objects.ts";
import { LiteralsApart } from "./literals-apart.ts";
import { withOurSearch } from "./plan-search.ts";
import { withoutStandIns } from "./plan-stand-ins.ts";
import { plannerGraph } from "./planner-graph.ts";

/**
 * The maximum number of ways through the subgraphs to one field. The shop has two at most. With 1,000 ways to
 * each field, a small operation takes seconds to plan.
 */
const WAYS_MAX = 100;

export class Planner {
  /** The schema that clients see. */
  readonly apiSchema: GraphQLSchema;
  readonly standIns: StandIns | undefined;
  readonly #apiSchema: Schema;
  readonly #planner: QueryPlanner;

  /** @throws Error if the text is not a supergraph */
  constructor(supergraph: Supergraph) {
    const { supergraph: planned, apiSchema, standIns } = plannerGraph(supergraph);
    this.standIns = standIns;
    this.#apiSchema = planned.apiSchema();
    // Putting the real fields back does not look inside fragments.
    this.#planner = new QueryPlanner(planned, {
      reuseQueryFragments: standIns === undefined,
      incrementalDelivery: { enableDefer: true },
      debug: { maxEvaluatedPlans: Number.POSITIVE_INFINITY, pathsLimit: WAYS_MAX },
    });
    this.apiSchema = apiSchema.toGraphQLJSSchema({ includeDefer: true });
  }

  /** @throws GraphQLError if the operation is refused; Error if the planner fails */
  plan(document: DocumentNode): QueryPlan {
    const definition = getOperationAST(document);
    // The conditions of a mutation may leave nothing to plan (mutation-root.ts).
    if (definition?.selectionSet.selections.length === 0) return { kind: "QueryPlan" };
    const isMutation = definition?.operation === OperationTypeNode.MUTATION;
    // In a fetch the planner writes spreads of fragments first, and mutations are carried out as written.
    const asked = withTypenames(
      isMutation ? { ...document, definitions: [inlinedOperation(document)] } : document,
    );
    const literals = new LiteralsApart(asked, this.apiSchema);
    const operation = operationFromDocument(this.#apiSchema, literals.document);
    const plan = literals.putBack(withoutStandIns(this.#build(operation), this.standIns));
    return isMutation ? withFailuresLast(plan, this.apiSchema) : plan;
  }

  #build(operation: Operation): QueryPlan {
    try {
      return withOurSearch(() => this.#planner.buildQueryPlan(operation));
    } catch (error) {
      // The document is valid, so whatever else the planner says is no refusal, although it has such codes.
      throw tooManyWays(error) ?? new Error("the query planner failed", { cause: error });
    }
  }
}

/** Gives a code to the planner's own error for too many ways, which has none. */
function tooManyWays(error: unknown): GraphQLError | undefined {
  const words = /^(?:Too many options generated|Number of non-local selections).* limit of (\d+)/s;
  const found = words.exec((error as Error).message);
  return found ? limitExceeded("ways", Number(found[1]) + 1, Number(found[1])) : undefined;
}
