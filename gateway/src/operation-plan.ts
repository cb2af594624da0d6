/**
 * What an operation on a partitioned subgraph comes to, worked out once per text: the root fields one by one, each with its
 * route, or a fetch of entities by their keys.
 */
import { codedError, ERROR_CODES } from "@teranga/kit/errors.ts";
import {
  type DirectiveNode,
  type FieldNode,
  type GraphQLArgument,
  type GraphQLField,
  isNonNullType,
  Kind,
  type OperationTypeNode,
  parse,
  type SelectionSetNode,
} from "graphql";
import { CrossingPlanner, type CrossingTree, type EntityPlan } from "./crossing-plan.ts";
import {
  inlinedOperation,
  printCompact,
  usedVariables,
  type VariableDefinitions,
  variableDefinitionsOf,
} from "./documents.ts";
import { type FieldPath, type PartitionSpec, rootRoute } from "./partition-spec.ts";

/** Who answers a root field, with all that is needed to find out for given variables. */
export type FieldRoute =
  | { kind: "owner"; by: FieldPath; argument: GraphQLArgument; field: FieldNode }
  | { kind: "gather" }
  /** `__typename`, which nobody needs to be asked for. */
  | { kind: "typename"; typeName: string };

/** One root field, ready to stand in an operation with others. */
export interface RootField {
  responseName: string;
  text: string;
  /** The variables that `text` mentions. */
  variables: ReadonlySet<string>;
  /** @skip and @include, its own and those of the fragments around it. They are not in `text`. */
  conditions: readonly DirectiveNode[];
  route: FieldRoute;
  nonNull: boolean;
  crossings: CrossingTree;
}

export interface FieldsPlan {
  kind: "fields";
  operation: OperationTypeNode;
  operationName: string | undefined;
  /** In the operation's order. */
  fields: readonly RootField[];
}

export interface OperationPlan {
  root: FieldsPlan | EntityPlan;
  variables: VariableDefinitions;
  /** What the crossings' tokens stand for in the paths of errors. */
  tokenNames: ReadonlyMap<string, string>;
}

/** @throws GraphQLError if the operation cannot be routed: the graph and its rules would have to have changed. */
export function planOperation(text: string, spec: PartitionSpec): OperationPlan {
  const operation = inlinedOperation(parse(text, { noLocation: true }));
  const variables = variableDefinitionsOf(operation);
  const crossings = new CrossingPlanner(spec, variables, text);
  const operationName = operation.name?.value;
  const entities = operation.selectionSet.selections.find(
    (selection) => selection.kind === Kind.FIELD && selection.name.value === "_entities",
  );
  if (entities?.kind === Kind.FIELD) {
    const root = crossings.planEntities(entities.selectionSet!, operationName);
    return { root, variables, tokenNames: crossings.names };
  }
  const planner = new RootFieldPlanner(spec, operation.operation, crossings);
  const fields = [...planner.plan(operation.selectionSet, [])];
  const root: FieldsPlan = { kind: "fields", operation: operation.operation, operationName, fields };
  return { root, variables, tokenNames: crossings.names };
}

class RootFieldPlanner {
  readonly #spec: PartitionSpec;
  readonly #operation: OperationTypeNode;
  readonly #crossings: CrossingPlanner;

  constructor(spec: PartitionSpec, operation: OperationTypeNode, crossings: CrossingPlanner) {
    this.#spec = spec;
    this.#operation = operation;
    this.#crossings = crossings;
  }

  /** Takes fragments at the root apart; what is on them holds for each of their fields. */
  *plan({ selections }: SelectionSetNode, outer: readonly DirectiveNode[]): Generator<RootField> {
    for (const selection of selections) {
      const conditions = [...outer, ...(selection.directives ?? [])];
      if (selection.kind === Kind.INLINE_FRAGMENT) yield* this.plan(selection.selectionSet, conditions);
      if (selection.kind === Kind.FIELD) yield this.#planField(selection, conditions);
    }
  }

  #planField(field: FieldNode, conditions: readonly DirectiveNode[]): RootField {
    const rootType = this.#spec.schema.getRootType(this.#operation)!;
    const definition = rootType.getFields()[field.name.value];
    const selections =
      field.selectionSet &&
      this.#crossings.cut({ kind: Kind.SELECTION_SET, selections: [{ ...field, directives: [] }] }, rootType);
    const bare = (selections?.cut.selections[0] as FieldNode | undefined) ?? { ...field, directives: [] };
    const responseName = field.alias?.value ?? field.name.value;
    return {
      responseName,
      text: printCompact(bare),
      variables: usedVariables(bare),
      conditions,
      route: this.#route(field, definition, rootType.name),
      nonNull: definition !== undefined && isNonNullType(definition.type),
      crossings: selections?.tree.below.get(responseName) ?? { here: new Map(), below: new Map() },
    };
  }

  #route(
    field: FieldNode,
    definition: GraphQLField<unknown, unknown> | undefined,
    typeName: string,
  ): FieldRoute {
    if (field.name.value === "__typename") return { kind: "typename", typeName };
    const route = rootRoute(this.#spec, this.#operation, field.name.value);
    if (!route) throw codedError("INTERNAL_SERVER_ERROR", ERROR_CODES.INTERNAL_SERVER_ERROR);
    if (route.kind === "gather") return route;
    const argument = definition!.args.find(({ name }) => name === route.by[0])!;
    return { kind: "owner", by: route.by, argument, field };
  }
}
