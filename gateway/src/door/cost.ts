/**
 * Estimates the cost of a client's operation before anything is planned or sent, by the cost specification:
 * every object weighs 1, lists multiply the cost of what is below them, and @cost and @listSize override both
 * (cost-rules.ts).
 *
 * The estimate is an upper bound: selections under several type conditions are added up, and so are repeated
 * fields. An operation is compiled once, to a number or to a function of its variables, so a request costs
 * one look-up.
 */
import type { ApolloServerPlugin, GraphQLRequestListener } from "@apollo/server";
import {
  type DocumentNode,
  type GraphQLField,
  type GraphQLSchema,
  isObjectType,
  type OperationDefinitionNode,
} from "graphql";
import { type VariableDefinitions, variableDefinitionsOf, withDefaults } from "../ground/documents.ts";
import { limitExceeded } from "../ground/limits.ts";
import { argumentsOf, directivesOf, type Supergraph } from "../ground/supergraph.ts";
import type { Network } from "../network/network.ts";
import type { Running } from "../planning/graph-gateway.ts";
import type { RequestContext } from "../sources/request-context.ts";
import { CostCompiler } from "./cost-compiler.ts";
import { type Estimate, estimated, type PartitionsOf } from "./cost-estimate.ts";
import { CostRules } from "./cost-rules.ts";

export interface CostModel {
  /**
   * @param variables as the client sent them
   * @throws GraphQLError if a field lacks the argument that bounds its list
   */
  costOf(operation: MeasuredOperation, partitionsOf?: PartitionsOf): number;
}

export interface MeasuredOperation {
  document: DocumentNode;
  operation: OperationDefinitionNode;
  /** As the client sent them. */
  variables?: Record<string, unknown> | undefined;
}

interface Compiled {
  estimate: Estimate;
  definitions: VariableDefinitions;
}

/** The costs of operations on one supergraph. */
export function createCostModel(supergraph: Supergraph): CostModel {
  const { schema } = supergraph;
  const model = { schema, rules: new CostRules(schema), gatheredBy: gatheredFields(supergraph) };
  // Apollo Server's document store keeps the documents. A compiled estimate goes when its document goes.
  const compiled = new WeakMap<OperationDefinitionNode, Compiled>();
  const compile = ({ document, operation }: MeasuredOperation): Compiled => {
    const known = compiled.get(operation);
    if (known) return known;
    const estimate = new CostCompiler(model, document).operation(operation);
    const made = { estimate, definitions: variableDefinitionsOf(operation) };
    compiled.set(operation, made);
    return made;
  };
  return {
    costOf(measured, partitionsOf = () => undefined) {
      const { estimate, definitions } = compile(measured);
      if (typeof estimate === "number") return estimate;
      return estimated(estimate, { variables: withDefaults(definitions, measured.variables), partitionsOf });
    },
  };
}

/**
 * The fields that every partition answers, with their subgraph. The list of such a field has one entry per
 * partition.
 */
function gatheredFields({
  schema,
  subgraphs,
  names,
}: Supergraph): ReadonlyMap<GraphQLField<unknown, unknown>, string> {
  const gathered = new Map<GraphQLField<unknown, unknown>, string>();
  const type = schema.getQueryType();
  if (!names || !isObjectType(type)) return gathered;
  for (const field of Object.values(type.getFields())) {
    if (directivesOf(field, names.gather).length === 0) continue;
    const join = directivesOf(field, "join__field").map(argumentsOf)[0];
    const owner = join?.graph ?? directivesOf(type, "join__type").map(argumentsOf)[0]?.graph;
    const subgraph = subgraphs.get(String(owner));
    if (subgraph) gathered.set(field, subgraph.name);
  }
  return gathered;
}

export interface CostLimit {
  costMax: number;
  /** The graph whose API schema a request is validated against. */
  runningOn: (apiSchema: GraphQLSchema) => Running;
}

/** Refuses operations whose estimated cost is beyond the limit. */
export function limitCost({ costMax, runningOn }: CostLimit): ApolloServerPlugin<RequestContext> {
  const models = new WeakMap<Supergraph, CostModel>();
  const modelOf = (supergraph: Supergraph): CostModel => {
    const model = models.get(supergraph) ?? createCostModel(supergraph);
    models.set(supergraph, model);
    return model;
  };
  const listener: GraphQLRequestListener<RequestContext> = {
    async didResolveOperation({ document, operation, request: { variables }, schema }) {
      if (!operation) return;
      const measured = { document, operation, variables };
      const { engine, network } = runningOn(schema);
      const cost = modelOf(engine.supergraph).costOf(measured, partitionsIn(network));
      if (cost > costMax) throw limitExceeded("cost", cost, costMax);
    },
  };
  return { requestDidStart: async () => listener };
}

function partitionsIn({ placements }: Network): PartitionsOf {
  return (subgraph) => {
    const placement = placements.get(subgraph);
    return placement?.kind === "partitions" ? placement.partitionIds.length : undefined;
  };
}
