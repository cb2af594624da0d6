/** A subgraph that any of its instances can answer. Every subgraph of a foreign supergraph is one. */
import { type DirectiveNode, type GraphQLError, type GraphQLSchema, OperationTypeNode, parse } from "graphql";
import type { IsProtected } from "../authorization/protected-fetches.ts";
import { shownTypes } from "../cache/shown-types.ts";
import { type AnsweredPart, errorAt, type JsonObject } from "../ground/answer.ts";
import {
  aroundName,
  inlinedOperation,
  isIncluded,
  namedText,
  rootSelections,
  type VariableDefinitions,
  variableDefinitionsOf,
  withDefaults,
} from "../ground/documents.ts";
import { planBytes } from "../ground/kept-bytes.ts";
import { limitErrors } from "../ground/service-errors.ts";
import type { ReplicaNetwork } from "../network/network.ts";
import {
  hasEntities,
  hasFields,
  type ObjectShape,
  objectShape,
  type RootShape,
  rootShape,
} from "./answer-shape.ts";
import type { RunContext } from "./request-context.ts";
import { askPlace, type FetchAnswer, type PreparedFetch, type Source } from "./source.ts";

/** An operation, and the shape that its answer must have. */
interface Expectation {
  /** False for a mutation. */
  mayRepeat: boolean;
  isProtected: boolean;
  /** The object types that its answer may show below entities. */
  shows: readonly string[];
  /** The request's body up to the variables. */
  headOf: (name: string | undefined) => string;
  /** The shape of each entity. Undefined if no entities are asked for. */
  entity: ObjectShape | undefined;
  fields: readonly (RootShape & { conditions: readonly DirectiveNode[] })[];
  definitions: VariableDefinitions;
}

export class ReplicaSource implements Source {
  readonly #subgraph: string;
  readonly #schema: GraphQLSchema;
  readonly #isProtected: IsProtected;

  /** @param schema the types of the whole supergraph */
  constructor(subgraph: string, schema: GraphQLSchema, isProtected: IsProtected) {
    this.#subgraph = subgraph;
    this.#schema = schema;
    this.#isProtected = isProtected;
  }

  prepare(text: string): PreparedFetch {
    const expected = { ...expectationOf(text, this.#schema), isProtected: this.#isProtected(text) };
    return {
      weight: planBytes(text),
      send: (variables, context, name) => this.#send(text, expected, { variables, context, name }),
    };
  }

  async #send(
    text: string,
    expected: Expectation,
    { variables, context, name }: { variables: JsonObject; context: RunContext; name: string | undefined },
  ): Promise<FetchAnswer> {
    const subgraph = this.#subgraph;
    const { ask, nearestNode } = context.network.placements.get(subgraph) as ReplicaNetwork;
    const request = {
      query: namedText(text, name),
      operationName: name,
      variables,
      body: `${expected.headOf(name)}${JSON.stringify(variables)}}`,
    };
    const { mayRepeat, isProtected } = expected;
    const isWhole = (answer: AnsweredPart, asked: JsonObject) => isComplete(answer, expected, asked);
    const terms = { mayRepeat, isProtected, isWhole, shows: expected.shows };
    const answer = await askPlace({ subgraph, node: nearestNode?.() }, ask, request, terms, context);
    return answer.kind === "answered" ? answer : failed(answer.error, expected, variables);
  }
}

/** Null and an error for everything that was asked for, so that a client sees what is missing and why. */
function failed(error: GraphQLError, expected: Expectation, variables: JsonObject): FetchAnswer {
  if (expected.entity) {
    const representations = representationsOf(variables);
    const errors = limitErrors(representations.map((_, index) => errorAt(error, ["_entities", index])));
    return { data: { _entities: representations.map(() => null) }, errors };
  }
  const names = includedFields(expected, variables).map(({ responseName }) => responseName);
  const data = Object.fromEntries(names.map((name) => [name, null]));
  return { data, errors: names.map((name) => errorAt(error, [name])) };
}

function expectationOf(text: string, schema: GraphQLSchema): Omit<Expectation, "isProtected"> {
  const document = parse(text, { noLocation: true });
  const operation = inlinedOperation(document);
  const rootType = schema.getRootType(operation.operation);
  const selections = [...rootSelections(operation.selectionSet)];
  const entities = selections.find(({ field }) => field.name.value === "_entities")?.field;
  const fields = selections.map(({ field, conditions }) => {
    const definition = rootType?.getFields()[field.name.value];
    const responseName = field.alias?.value ?? field.name.value;
    return { ...rootShape(responseName, definition, field.selectionSet, schema), conditions };
  });
  const entity = entities && objectShape(entities.selectionSet!, undefined, schema);
  return {
    mayRepeat: operation.operation !== OperationTypeNode.MUTATION,
    shows: shownTypes(document, schema),
    headOf: headsOf(text),
    entity,
    fields,
    definitions: variableDefinitionsOf(operation),
  };
}

/** Prepares the body's head: only the name differs between requests. */
function headsOf(text: string): Expectation["headOf"] {
  const nameless = `${JSON.stringify({ query: text }).slice(0, -1)},"variables":`;
  const { kind, rest } = aroundName(text);
  const said = JSON.stringify(rest).slice(1);
  return (name) =>
    name === undefined ? nameless : `{"query":"${kind} ${name}${said},"operationName":"${name}","variables":`;
}

function isComplete(answer: AnsweredPart, expected: Expectation, variables: JsonObject): boolean {
  if (expected.entity) return hasEntities(answer, expected.entity, representationsOf(variables).length);
  return hasFields(answer, includedFields(expected, variables));
}

/** The fields that @skip and @include select. */
function includedFields({ fields, definitions }: Expectation, variables: JsonObject): RootShape[] {
  const all = withDefaults(definitions, variables);
  return fields.filter(({ conditions }) => isIncluded(conditions, all));
}

function representationsOf(variables: JsonObject): unknown[] {
  return Array.isArray(variables.representations) ? variables.representations : [];
}
