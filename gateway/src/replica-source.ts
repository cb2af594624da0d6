/** The data source of a subgraph any of whose instances can answer; also of every subgraph of a foreign supergraph. */
import type { GraphQLDataSource } from "@apollo/gateway";
import { REQUEST_ID_HEADER } from "@teranga/kit/server.ts";
import { TransportError } from "@teranga/kit/transport.ts";
import { type DirectiveNode, type GraphQLSchema, OperationTypeNode, parse } from "graphql";
import { errorAt, type JsonObject } from "./answer.ts";
import {
  hasEntities,
  hasFields,
  type ObjectShape,
  objectShape,
  type RootShape,
  rootShape,
} from "./answer-shape.ts";
import { BoundedCache } from "./bounded-cache.ts";
import {
  inlinedOperation,
  isIncluded,
  rootSelections,
  type VariableDefinitions,
  variableDefinitionsOf,
  withDefaults,
} from "./documents.ts";
import { type AskEndpoints, createEndpoints } from "./endpoints.ts";
import type { GatewayContext } from "./request-context.ts";
import { limitErrors, takenErrors } from "./service-errors.ts";
import {
  contextOf,
  type SourceDependencies,
  type SourceOptions,
  type SourceResponse,
  subgraphUnavailable,
} from "./source.ts";

/** As for plans of partitioned subgraphs (partition-source.ts). */
const EXPECTATIONS = { entriesMax: 1_000, weightMax: 16 * 1024 * 1024, entryWeightMax: 64 * 1024 };

/** What an operation must come back as, worked out once per text. */
interface Expectation {
  /** What each entity must be; undefined if no entities are asked for. */
  entity: ObjectShape | undefined;
  fields: readonly (RootShape & { conditions: readonly DirectiveNode[] })[];
  definitions: VariableDefinitions;
}

export class ReplicaSource implements GraphQLDataSource<GatewayContext> {
  readonly #subgraph: string;
  readonly #schema: GraphQLSchema;
  readonly #dependencies: SourceDependencies;
  readonly #ask: AskEndpoints;
  readonly #expectations = new BoundedCache<Expectation>({ ...EXPECTATIONS, weigh: (text) => text.length });

  /** @param urls the instances, nearest first. @param schema the whole supergraph's types */
  constructor(
    subgraph: string,
    urls: readonly string[],
    schema: GraphQLSchema,
    dependencies: SourceDependencies,
  ) {
    this.#subgraph = subgraph;
    this.#schema = schema;
    this.#dependencies = dependencies;
    this.#ask = createEndpoints({ ...dependencies, urls });
  }

  async process(options: SourceOptions): Promise<SourceResponse> {
    const { query = "", operationName, variables } = options.request;
    const context = contextOf(options);
    const expected = this.#expectations.get(query, () => expectationOf(query, this.#schema));
    if (context.unavailable.has(this.#subgraph)) return this.#failure(expected, variables);
    this.#dependencies.onSubgraphRequest?.({ subgraph: this.#subgraph, operation: query });
    try {
      const headers = { [REQUEST_ID_HEADER]: context.requestId };
      const mayRepeat = !query.startsWith(OperationTypeNode.MUTATION);
      const answer = await this.#ask({ query, operationName, variables }, { mayRepeat, headers });
      const taken = { data: answer.data ?? null, errors: takenErrors(answer.errors ?? []) };
      if (!isWhole(taken, expected, variables)) {
        throw new TransportError("unknown", "answered something else than was asked for");
      }
      return { data: taken.data, ...(taken.errors.length > 0 && { errors: taken.errors }) };
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      context.unavailable.add(this.#subgraph);
      context.log.warn({ subgraph: this.#subgraph, reason: error.message }, "a subgraph does not answer");
      return this.#failure(expected, variables);
    }
  }

  /** Null and an error for each thing that was asked for, so that a client sees what is missing and why. */
  #failure(expected: Expectation, variables: JsonObject | undefined): SourceResponse {
    const error = subgraphUnavailable(this.#subgraph);
    if (expected.entity) {
      const representations = representationsOf(variables);
      const errors = limitErrors(representations.map((_, index) => errorAt(error, ["_entities", index])));
      return { data: { _entities: representations.map(() => null) }, errors };
    }
    const names = includedFields(expected, variables).map(({ responseName }) => responseName);
    const data = Object.fromEntries(names.map((name) => [name, null]));
    return { data, errors: names.map((name) => errorAt(error, [name])) };
  }
}

function expectationOf(text: string, schema: GraphQLSchema): Expectation {
  const operation = inlinedOperation(parse(text, { noLocation: true }));
  const rootType = schema.getRootType(operation.operation);
  const selections = [...rootSelections(operation.selectionSet)];
  const entities = selections.find(({ field }) => field.name.value === "_entities")?.field;
  const fields = selections.map(({ field, conditions }) => {
    const definition = rootType?.getFields()[field.name.value];
    const responseName = field.alias?.value ?? field.name.value;
    return { ...rootShape(responseName, definition, field.selectionSet, schema), conditions };
  });
  const entity = entities && objectShape(entities.selectionSet!, undefined, schema);
  return { entity, fields, definitions: variableDefinitionsOf(operation) };
}

function isWhole(
  answer: Parameters<typeof hasFields>[0],
  expected: Expectation,
  variables: JsonObject | undefined,
): boolean {
  if (expected.entity) return hasEntities(answer, expected.entity, representationsOf(variables).length);
  return hasFields(answer, includedFields(expected, variables));
}

/** Those that @skip and @include let through. */
function includedFields(
  { fields, definitions }: Expectation,
  variables: JsonObject | undefined,
): RootShape[] {
  const all = withDefaults(definitions, variables);
  return fields.filter(({ conditions }) => isIncluded(conditions, all));
}

function representationsOf(variables: JsonObject | undefined): unknown[] {
  return Array.isArray(variables?.representations) ? variables.representations : [];
}
