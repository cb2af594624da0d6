/**
 * An operation that a router sends to a partitioned subgraph. Its root fields fall into three groups:
 * entities, which are fetched by their keys; fields that are answered here (introspection, `_service`); and
 * all others, which are split by partition. The services have completed the values, so they are passed on
 * unchanged.
 */
import { badInput } from "@teranga/kit/graphql/errors.ts";
import {
  type DocumentNode,
  executeSync,
  GraphQLError,
  type GraphQLFormattedError,
  isNonNullType,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
} from "graphql";
import { emptyObject, errorAt, isObject, type JsonObject, ownValue } from "../ground/answer.ts";
import { noteGreat } from "../ground/answer-json.ts";
import {
  inlinedOperation,
  isIncluded,
  literalValue,
  printCompact,
  printVariableDefinitions,
  type RootSelection,
  responseNameOf,
  rootSelections,
  saidToServices,
  usedVariables,
  variableDefinitionsOf,
  withDefaults,
  within,
} from "../ground/documents.ts";
import type { NamelessOperation } from "../ground/nameless-operation.ts";
import { overloaded } from "../ground/overloaded.ts";
import { limitErrors } from "../ground/service-errors.ts";
import { variableErrors } from "../ground/variable-errors.ts";
import type { RunContext } from "../sources/request-context.ts";
import type { FetchAnswer, PreparedFetch, Source } from "../sources/source.ts";
import { FEDERATION_FIELDS, type SubgraphSchema } from "./subgraph-schema.ts";

export interface SubgraphResult {
  data?: JsonObject | null;
  errors?: readonly GraphQLError[];
}

/** The result of one stage of an operation. */
interface StageAnswer {
  data: JsonObject;
  errors: readonly GraphQLFormattedError[];
}

interface StageVariables {
  given: JsonObject;
  /** The variables, with the defaults of the operation's definitions. */
  variables: JsonObject;
}

type Stage = (variables: StageVariables, context: RunContext) => Promise<StageAnswer>;

/** Federation's name for the variable. Here it gives the entity fetches of all routers the same form. */
const REPRESENTATIONS = "representations";

export class SubgraphOperation {
  /** The bytes that it keeps, approximately. */
  readonly weight: number;
  readonly #operation: OperationDefinitionNode;
  readonly #subgraph: SubgraphSchema;
  readonly #stages: readonly Stage[];
  /** The response names, in the operation's order. */
  readonly #names: readonly string[];
  readonly #nonNull: readonly string[];

  /** @param document validated */
  constructor({ document, treeBytes }: NamelessOperation, subgraph: SubgraphSchema, source: Source) {
    this.#operation = inlinedOperation(document);
    this.#subgraph = subgraph;
    const planner = new StepPlanner(this.#operation, subgraph, source);
    this.#stages = planner.stages();
    this.weight = 2 * treeBytes + planner.weight;
    const selections = [...rootSelections(this.#operation.selectionSet)];
    const rootFields = subgraph.schema.getRootType(this.#operation.operation)!.getFields();
    this.#names = selections.map(({ field }) => responseNameOf(field));
    this.#nonNull = selections
      .filter(({ field }) => isNonNullType(rootFields[field.name.value]?.type))
      .map(({ field }) => responseNameOf(field));
  }

  async execute(given: JsonObject, context: RunContext): Promise<SubgraphResult> {
    const definitions = this.#operation.variableDefinitions ?? [];
    const { schema } = this.#subgraph;
    const refused = variableErrors(schema, definitions, given);
    if (refused.length > 0) return { errors: refused };
    const variables = withDefaults(variableDefinitionsOf(this.#operation), given);
    const answers = await Promise.all(this.#stages.map((stage) => stage({ given, variables }, context)));
    if (context.holding?.isRefused) return { errors: [overloaded()] };
    const errors = limitErrors(answers.flatMap((answer) => answer.errors)).map(toGraphQLError);
    const data = this.#join(answers);
    noteGreat(data, context.holding);
    return { data, ...(errors.length > 0 && { errors }) };
  }

  #join(answers: readonly StageAnswer[]): JsonObject | null {
    const data = emptyObject();
    for (const name of this.#names) {
      const answer = answers.find((candidate) => Object.hasOwn(candidate.data, name));
      if (answer) data[name] = answer.data[name];
    }
    return this.#nonNull.some((name) => ownValue(data, name) === null) ? null : data;
  }
}

function toGraphQLError({ message, path, extensions }: GraphQLFormattedError): GraphQLError {
  return new GraphQLError(message, { path, extensions });
}

/** Splits an operation into stages, once for all requests. */
class StepPlanner {
  weight = 0;
  readonly #operation: OperationDefinitionNode;
  readonly #subgraph: SubgraphSchema;
  readonly #source: Source;

  constructor(operation: OperationDefinitionNode, subgraph: SubgraphSchema, source: Source) {
    this.#operation = operation;
    this.#subgraph = subgraph;
    this.#source = source;
  }

  stages(): Stage[] {
    const entities: RootSelection[] = [];
    const local: RootSelection[] = [];
    const split: RootSelection[] = [];
    for (const selection of rootSelections(this.#operation.selectionSet)) {
      const name = selection.field.name.value;
      if (name === FEDERATION_FIELDS.entities) entities.push(selection);
      else if (name === FEDERATION_FIELDS.service || name === "__schema" || name === "__type")
        local.push(selection);
      else split.push(selection);
    }
    const byName = Map.groupBy(entities, ({ field }) => responseNameOf(field));
    const stages = Array.from(byName.values(), (same) => this.#entitiesStage(same));
    if (local.length > 0) stages.push(this.#localStage(local));
    if (split.length > 0) stages.push(this.#splitStage(split));
    return stages;
  }

  #prepare(text: string): PreparedFetch {
    const prepared = this.#source.prepare(text);
    this.weight += prepared.weight;
    return prepared;
  }

  #splitStage(selections: readonly RootSelection[]): Stage {
    const prepared = this.#prepare(printCompact(this.#part(selections)));
    return async ({ given, variables }, context) => {
      const { data, errors } = await prepared.send(given, context, context.record.operation?.name);
      return { data: data ?? nullsOf(selections, variables), errors };
    };
  }

  #localStage(selections: readonly RootSelection[]): Stage {
    const document: DocumentNode = { kind: Kind.DOCUMENT, definitions: [this.#part(selections)] };
    const { schema } = this.#subgraph;
    return async ({ given: variableValues }) => {
      const { data, errors } = executeSync({ schema, document, variableValues });
      if (errors) throw errors[0]!;
      return { data: data as JsonObject, errors: [] };
    };
  }

  /**
   * @param same `_entities` fields of one response name: they have equal representations and share an answer
   */
  #entitiesStage(same: readonly RootSelection[]): Stage {
    const field = joined(same);
    const responseName = responseNameOf(field);
    const argument = field.arguments!.find(({ name }) => name.value === REPRESENTATIONS)!.value;
    const { spec } = this.#subgraph;
    const prepared = this.#prepare(this.#entitiesText(field));
    return async ({ given, variables }, context) => {
      if (!same.some(({ conditions }) => isIncluded(conditions, variables))) return { data: {}, errors: [] };
      const told = literalValue(argument, variables);
      const representations = Array.isArray(told) ? told : [told];
      const { known, errors } = sorted(representations, (name) => spec.entities.has(name));
      const asked = [...known.values()];
      const sent = { ...given, [REPRESENTATIONS]: asked };
      const answer = await prepared.send(sent, context, context.record.operation?.name);
      const refused = errors.map(([index, error]) => errorAt(error, [responseName, index]));
      const placed = placeEntities(responseName, representations.length, [...known.keys()], answer);
      return { ...placed, errors: [...refused, ...placed.errors] };
    };
  }

  /** `query($representations:[_Any!]!,…){_entities(representations:$representations){…}}` */
  #entitiesText({ selectionSet }: RootSelection["field"]): string {
    const said = saidToServices(this.#operation.directives);
    const used = [selectionSet!, ...said].flatMap((node) => [...usedVariables(node)]);
    const { printed } = variableDefinitionsOf(this.#operation);
    const names = new Set([REPRESENTATIONS, ...used]);
    const own = new Map([...printed, [REPRESENTATIONS, `$${REPRESENTATIONS}:[_Any!]!`]]);
    const definitions = printVariableDefinitions({ printed: own, defaults: {} }, names);
    const head = `query${definitions}${said.map(printCompact).join("")}`;
    return `${head}{_entities(representations:$${REPRESENTATIONS})${printCompact(selectionSet!)}}`;
  }

  /** The operation with some of its root fields, and the variables that they use. */
  #part(selections: readonly RootSelection[]): OperationDefinitionNode {
    const fields = selections.map(({ field, conditions, around }) => {
      const directives = [...conditions, ...saidToServices(field.directives)];
      return within({ ...field, directives }, around);
    });
    const selectionSet = { kind: Kind.SELECTION_SET, selections: fields } as const;
    const part = { ...this.#operation, selectionSet };
    const used = usedVariables({ ...part, variableDefinitions: [] });
    const definitions = this.#operation.variableDefinitions ?? [];
    return {
      ...part,
      variableDefinitions: definitions.filter(({ variable }) => used.has(variable.name.value)),
    };
  }
}

/** Merges fields of one response name. The directives of each are put around its own selections. */
function joined(same: readonly RootSelection[]): RootSelection["field"] {
  const [first, ...others] = same;
  if (others.length === 0) return first!.field;
  const selections = same.map(({ field, conditions }): SelectionNode => {
    const { selectionSet } = field;
    return { kind: Kind.INLINE_FRAGMENT, directives: conditions, selectionSet: selectionSet! };
  });
  return { ...first!.field, selectionSet: { kind: Kind.SELECTION_SET, selections } };
}

/** Nulls for fields whose whole answer is missing. */
function nullsOf(selections: readonly RootSelection[], variables: JsonObject): JsonObject {
  const included = selections.filter(({ conditions }) => isIncluded(conditions, variables));
  return Object.assign(
    emptyObject(),
    Object.fromEntries(included.map(({ field }) => [responseNameOf(field), null])),
  );
}

/** The entities at the indexes of their representations, with their errors. */
function placeEntities(
  responseName: string,
  count: number,
  indexes: readonly number[],
  { data, errors }: FetchAnswer,
): StageAnswer {
  const entities: unknown[] = Array.from({ length: count }, () => null);
  const found = Array.isArray(data?._entities) ? data._entities : [];
  for (const [position, index] of indexes.entries()) entities[index] = found[position] ?? null;
  const located = errors.map((error) => {
    const [, position, ...rest] = error.path ?? [];
    const index = typeof position === "number" ? indexes[position] : undefined;
    return errorAt(error, [responseName, ...(index === undefined ? [] : [index, ...rest])]);
  });
  return { data: { [responseName]: entities }, errors: located };
}

/** The representations that can be asked for, by index, and errors for the others. */
function sorted(representations: readonly unknown[], isEntity: (typeName: string) => boolean) {
  const known = new Map<number, JsonObject>();
  const errors: [index: number, error: GraphQLError][] = [];
  for (const [index, representation] of representations.entries()) {
    const typeName = isObject(representation) ? ownValue(representation, "__typename") : undefined;
    if (typeof typeName === "string" && isEntity(typeName)) known.set(index, representation as JsonObject);
    else
      errors.push([index, badInput(`${REPRESENTATIONS}.${index}`, "is of no type that is asked for by key")]);
  }
  return { known, errors };
}
