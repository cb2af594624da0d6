/**
 * The plan of an operation on a partitioned subgraph, made once for each text: either the root fields one by
 * one, each with its route, or a fetch of entities by their keys.
 */
import { codedError, ERROR_CODES } from "@teranga/kit/graphql/errors.ts";
import {
  type DirectiveNode,
  type FieldNode,
  type GraphQLArgument,
  type GraphQLField,
  Kind,
  type OperationDefinitionNode,
  type OperationTypeNode,
  parse,
} from "graphql";
import {
  inlinedOperation,
  printCompact,
  type RootSelection,
  responseNameOf,
  rootSelections,
  saidToServices,
  usedVariables,
  type VariableDefinitions,
  variableDefinitionsOf,
  within,
} from "../../ground/documents.ts";
import { planBytes } from "../../ground/kept-bytes.ts";
import { type RootShape, rootShape } from "../answer-shape.ts";
import {
  CrossingPlanner,
  type CrossingTree,
  crossingsWeight,
  type EntityPlan,
  type SaidDirectives,
} from "./crossing-plan.ts";
import { type PagePlan, PagePlanner } from "./merge-plan.ts";
import { type FieldPath, type PartitionSpec, rootRoute } from "./partition-spec.ts";

/** An argument of a field in an operation. */
export interface FieldArgument {
  argument: GraphQLArgument;
  field: FieldNode;
}

/** Which partitions answer a root field, with all that is needed to decide it for given variables. */
export type FieldRoute =
  | ({ kind: "owner"; by: FieldPath } & FieldArgument)
  | { kind: "gather" }
  | { kind: "merge"; first: FieldArgument; after: FieldArgument; page: PagePlan }
  /** `__typename`, for which no partition needs to be asked. */
  | { kind: "typename"; typeName: string };

/** A root field, ready to be printed into an operation with others. */
export interface RootField extends RootShape {
  text: string;
  /** The variables that `text` uses. */
  variables: ReadonlySet<string>;
  /** @skip and @include of the field and of the fragments around it. They are not in `text`. */
  conditions: readonly DirectiveNode[];
  route: FieldRoute;
  crossings: CrossingTree;
}

export interface FieldsPlan {
  kind: "fields";
  operation: OperationTypeNode;
  /** The operation's own directives. */
  directives: SaidDirectives;
  /** In the operation's order. */
  fields: readonly RootField[];
}

export interface OperationPlan {
  root: FieldsPlan | EntityPlan;
  variables: VariableDefinitions;
  /** The response names that the crossings' tokens stand for in the paths of errors. */
  tokenNames: ReadonlyMap<string, string>;
}

/** @throws GraphQLError if the operation cannot be routed, which the rules of the graph rule out */
export function planOperation(text: string, spec: PartitionSpec): OperationPlan {
  const operation = inlinedOperation(parse(text, { noLocation: true }));
  const variables = variableDefinitionsOf(operation);
  const directives = saidBy(operation);
  const crossings = new CrossingPlanner(spec, { variables, directives, text });
  const entities = operation.selectionSet.selections.find(
    (selection) => selection.kind === Kind.FIELD && selection.name.value === "_entities",
  );
  if (entities?.kind === Kind.FIELD) {
    const root = crossings.planEntities(entities.selectionSet!);
    return { root, variables, tokenNames: crossings.names };
  }
  const pages = new PagePlanner(text);
  const planner = new RootFieldPlanner(spec, operation.operation, crossings, pages);
  const fields = Array.from(rootSelections(operation.selectionSet), (selection) => planner.plan(selection));
  const root: FieldsPlan = {
    kind: "fields",
    operation: operation.operation,
    directives,
    fields,
  };
  return { root, variables: withAfters(variables, pages), tokenNames: crossings.names };
}

function saidBy({ directives }: OperationDefinitionNode): SaidDirectives {
  const said = saidToServices(directives);
  return {
    text: said.map(printCompact).join(""),
    variables: new Set(said.flatMap((node) => [...usedVariables(node)])),
  };
}

/** The operation's variables, and the `after` variables of merged pages. */
function withAfters(variables: VariableDefinitions, { plans }: PagePlanner): VariableDefinitions {
  if (plans.size === 0) return variables;
  const afters = Array.from(
    plans.values(),
    ({ afterVariable }) => [afterVariable, `$${afterVariable}:String`] as const,
  );
  return { ...variables, printed: new Map([...variables.printed, ...afters]) };
}

/** The bytes that a plan keeps, approximately: the sum over its texts, whatever they share. */
export function planWeight({ root }: OperationPlan): number {
  if (root.kind === "entities") return planBytes(root.text) + crossingsWeight(root.crossings);
  return root.fields.reduce(
    (sum, { text, crossings }) => sum + planBytes(text) + crossingsWeight(crossings),
    0,
  );
}

class RootFieldPlanner {
  readonly #spec: PartitionSpec;
  readonly #operation: OperationTypeNode;
  readonly #crossings: CrossingPlanner;
  readonly #pages: PagePlanner;

  constructor(
    spec: PartitionSpec,
    operation: OperationTypeNode,
    crossings: CrossingPlanner,
    pages: PagePlanner,
  ) {
    this.#spec = spec;
    this.#operation = operation;
    this.#crossings = crossings;
    this.#pages = pages;
  }

  plan({ field: asked, conditions, around }: RootSelection): RootField {
    const rootType = this.#spec.schema.getRootType(this.#operation)!;
    const definition = rootType.getFields()[asked.name.value];
    const { field, route } = this.#route(asked, definition, rootType.name);
    const whole = { ...field, directives: saidToServices(field.directives) };
    const selections =
      field.selectionSet && this.#crossings.cut({ kind: Kind.SELECTION_SET, selections: [whole] }, rootType);
    const bare = (selections?.cut.selections[0] as FieldNode | undefined) ?? whole;
    const responseName = responseNameOf(field);
    const sent = within(bare, around);
    return {
      ...rootShape(responseName, definition, bare.selectionSet, this.#spec.schema),
      text: printCompact(sent),
      variables: usedVariables(sent),
      conditions,
      route,
      crossings: selections?.tree.below.get(responseName) ?? { here: new Map(), below: new Map() },
    };
  }

  /** The field as it is sent, and its route. */
  #route(
    field: FieldNode,
    definition: GraphQLField<unknown, unknown> | undefined,
    typeName: string,
  ): { field: FieldNode; route: FieldRoute } {
    if (field.name.value === "__typename") return { field, route: { kind: "typename", typeName } };
    const route = rootRoute(this.#spec, this.#operation, field.name.value);
    if (!route) throw codedError("INTERNAL_SERVER_ERROR", ERROR_CODES.INTERNAL_SERVER_ERROR);
    const argument = (name: string): FieldArgument => ({
      argument: definition!.args.find((candidate) => candidate.name === name)!,
      field,
    });
    switch (route.kind) {
      case "gather":
        return { field, route };
      case "owner":
        return { field, route: { ...route, ...argument(route.by[0]!) } };
      case "merge": {
        const page = this.#pages.plan(field, route.missing);
        const rows = { first: argument("first"), after: argument("after") };
        return { field: page.field, route: { kind: "merge", ...rows, page: page.plan } };
      }
      default:
        return route satisfies never;
    }
  }
}
