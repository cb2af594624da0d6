/** Compiles an operation into an estimate of its cost. */
import { codedError } from "@teranga/kit/graphql/errors.ts";
import {
  BREAK,
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLNamedType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isCompositeType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  type ValueNode,
  valueFromASTUntyped,
  visit,
} from "graphql";
import { isObject } from "../ground/answer.ts";
import { isIncluded } from "../ground/documents.ts";
import { type Estimate, estimated, sum, times } from "./cost-estimate.ts";
import type { CostRules, ListSize } from "./cost-rules.ts";

/** An object, interface or union; scalars and enum values are free. */
const COMPOSITE_WEIGHT = 1;
/** An input object among the arguments. */
const INPUT_OBJECT_WEIGHT = 1;
/** A root field of a mutation: a durable write costs what ten rows do. */
const MUTATION_WEIGHT = 10;
/**
 * An introspection field. Nothing is fetched for it, but the whole answer is about as long as this many rows.
 */
const INTROSPECTION_WEIGHT = 1_000;
/** The entries of a list without `@listSize`. */
const LIST_SIZE = 10;
/** Input types may contain themselves. A value nested deeper than this costs too much whatever it holds. */
const INPUT_DEPTH_MAX = 100;

type Field = GraphQLField<unknown, unknown>;

export interface CostSchema {
  schema: GraphQLSchema;
  rules: CostRules;
  /** The subgraph of each field that all of the subgraph's partitions answer. */
  gatheredBy: ReadonlyMap<Field, string>;
}

/** The sizes that the enclosing field sets for lists below it. */
type Sized = ReadonlyMap<string, Estimate>;
const NONE: Sized = new Map();

/** limits.ts bounds the depth and the number of fields of an expanded operation. */
export class CostCompiler {
  readonly #model: CostSchema;
  readonly #fragments = new Map<string, FragmentDefinitionNode>();

  constructor(model: CostSchema, document: DocumentNode) {
    this.#model = model;
    for (const definition of document.definitions) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION)
        this.#fragments.set(definition.name.value, definition);
    }
  }

  operation({ operation, selectionSet }: OperationDefinitionNode): Estimate {
    const root = this.#model.schema.getRootType(operation);
    return root ? this.#selections(selectionSet, root, NONE) : 0;
  }

  #selections({ selections }: SelectionSetNode, type: GraphQLNamedType, sized: Sized): Estimate {
    return sum(
      selections.map((selection) =>
        conditional(selection.directives ?? [], this.#selection(selection, type, sized)),
      ),
    );
  }

  #selection(selection: SelectionNode, type: GraphQLNamedType, sized: Sized): Estimate {
    if (selection.kind === Kind.FIELD) return this.#field(selection, type, sized);
    const fragment =
      selection.kind === Kind.FRAGMENT_SPREAD ? this.#fragments.get(selection.name.value) : selection;
    if (!fragment) return 0;
    const condition = fragment.typeCondition?.name.value;
    const inner = condition === undefined ? type : this.#model.schema.getType(condition);
    return inner ? this.#selections(fragment.selectionSet, inner, sized) : 0;
  }

  #field(node: FieldNode, parent: GraphQLNamedType, sized: Sized): Estimate {
    const name = node.name.value;
    if (name.startsWith("__")) return name === "__typename" ? 0 : INTROSPECTION_WEIGHT;
    if (!isObjectType(parent) && !isInterfaceType(parent)) return 0;
    const field = parent.getFields()[name];
    if (!field) return 0;
    const type = getNamedType(field.type);
    const rule = this.#model.rules.listSize(field);
    const size = this.#listSize(node, field, rule);
    const below: Sized = new Map(rule?.sizedFields.map((each) => [each, size]));
    const weight = this.#model.rules.weight(field, type) ?? this.#defaultWeight(parent, type);
    const each = sum([weight, node.selectionSet ? this.#selections(node.selectionSet, type, below) : 0]);
    const own = below.size > 0 ? LIST_SIZE : size;
    return sum([this.#arguments(node, field), times(instances(field.type, sized.get(name) ?? own), each)]);
  }

  #defaultWeight(parent: GraphQLNamedType, type: GraphQLNamedType): number {
    if (parent === this.#model.schema.getMutationType()) return MUTATION_WEIGHT;
    return isCompositeType(type) ? COMPOSITE_WEIGHT : 0;
  }

  #listSize(node: FieldNode, field: Field, rule: ListSize | undefined): Estimate {
    const assumed = rule?.assumedSize ?? LIST_SIZE;
    const subgraph = this.#model.gatheredBy.get(field);
    if (subgraph !== undefined) return ({ partitionsOf }) => partitionsOf(subgraph) ?? assumed;
    if (!rule || rule.slicingArguments.length === 0) return assumed;
    const slices = rule.slicingArguments.map((name) => sliceOf(node, field, name));
    const chosen = (values: readonly number[]): number => {
      const given = values.filter((value) => value !== NOT_GIVEN);
      if (rule.requireOneSlicingArgument && given.length !== 1) throw oneSliceNeeded(field, rule);
      return given.length > 0 ? Math.max(...given) : assumed;
    };
    if (slices.every((slice) => typeof slice === "number")) return chosen(slices);
    return (given) => chosen(slices.map((slice) => estimated(slice, given)));
  }

  #arguments(node: FieldNode, field: Field): Estimate {
    const estimates = (node.arguments ?? []).map(({ name, value }): Estimate => {
      const argument = field.args.find((each) => each.name === name.value);
      if (!argument || !this.#mayCost(argument)) return 0;
      if (!hasVariables(value)) return this.#inputCost(valueFromASTUntyped(value), argument, 0);
      return ({ variables }) => this.#inputCost(valueFromASTUntyped(value, variables), argument, 0);
    });
    return sum(estimates);
  }

  #mayCost(argument: GraphQLArgument): boolean {
    const type = getNamedType(argument.type);
    return isInputObjectType(type) || this.#model.rules.weight(argument, type) !== undefined;
  }

  #inputCost(value: unknown, input: GraphQLArgument | GraphQLInputField, depth: number): number {
    if (value === null || value === undefined) return 0;
    if (depth > INPUT_DEPTH_MAX) return Number.POSITIVE_INFINITY;
    if (Array.isArray(value)) {
      return value.reduce<number>((total, each) => total + this.#inputCost(each, input, depth + 1), 0);
    }
    const type = getNamedType(input.type);
    const weight = this.#model.rules.weight(input, type);
    if (!isInputObjectType(type) || !isObject(value)) return weight ?? 0;
    let cost = weight ?? INPUT_OBJECT_WEIGHT;
    for (const field of Object.values(type.getFields())) {
      if (Object.hasOwn(value, field.name)) cost += this.#inputCost(value[field.name], field, depth + 1);
    }
    return cost;
  }
}

function conditional(directives: readonly DirectiveNode[], estimate: Estimate): Estimate {
  if (directives.length === 0 || estimate === 0) return estimate;
  return (given) => (isIncluded(directives, given.variables) ? estimated(estimate, given) : 0);
}

/** One for a single value, the list's size for a list. A list directly inside a list has the default size. */
function instances(type: GraphQLOutputType, size: Estimate): Estimate {
  if (isNonNullType(type)) return instances(type.ofType, size);
  return isListType(type) ? times(size, instances(type.ofType, LIST_SIZE)) : 1;
}

/** Marks a slicing argument that is not given. No list has this size. */
const NOT_GIVEN = -1;

/** The value of an argument that slices a list: the client's, else the schema's default. */
function sliceOf(node: FieldNode, field: Field, name: string): Estimate {
  const byDefault = asSlice(field.args.find((argument) => argument.name === name)?.defaultValue);
  const value = node.arguments?.find((argument) => argument.name.value === name)?.value;
  if (!value) return byDefault;
  if (value.kind !== Kind.VARIABLE) return asSlice(valueFromASTUntyped(value));
  const variable = value.name.value;
  return ({ variables }) => (Object.hasOwn(variables, variable) ? asSlice(variables[variable]) : byDefault);
}

function asSlice(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? Math.max(0, value) : NOT_GIVEN;
}

function oneSliceNeeded(field: Field, { slicingArguments }: ListSize) {
  const message = `The field "${field.name}" needs exactly one of the arguments ${slicingArguments.join(", ")}.`;
  return codedError("BAD_USER_INPUT", message, { field: slicingArguments[0], http: { status: 400 } });
}

function hasVariables(value: ValueNode): boolean {
  let found = false;
  visit(value, {
    Variable() {
      found = true;
      return BREAK;
    },
  });
  return found;
}
