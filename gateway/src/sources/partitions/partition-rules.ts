/**
 * The rules that a partitioned subgraph must keep so that every operation on it can be split. They are
 * checked when the gateway starts. Each broken rule is one sentence that names the type and field.
 */
import {
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  getNullableType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type SelectionSetNode,
} from "graphql";
import { directivesOf, resolvesField, type Supergraph } from "../../ground/supergraph.ts";
import { brokenPageRule } from "./merge-rules.ts";
import { type FieldPath, type PartitionSpec, readPartitionSpec, resolvableKeys } from "./partition-spec.ts";

type Field = GraphQLField<unknown, unknown>;

/** The broken rules; empty if all hold. @param graph the partitioned subgraph's enum value */
export function brokenPartitionRules(supergraph: Supergraph, graph: string): string[] {
  const spec = readPartitionSpec(supergraph, graph);
  return [
    ...rootFieldRules(supergraph, spec, graph),
    ...entityRules(supergraph, spec, graph),
    ...crossingRules(supergraph, spec, graph),
  ];
}

function* rootFieldRules(supergraph: Supergraph, spec: PartitionSpec, graph: string): Generator<string> {
  const { schema } = supergraph;
  for (const type of [schema.getQueryType(), schema.getMutationType()]) {
    for (const field of Object.values(type?.getFields() ?? {})) {
      if (!resolvesField(graph, type!, field) || directivesOf(field, "inaccessible").length > 0) continue;
      const problem = rootFieldProblem(supergraph, spec, type!, field);
      if (problem)
        yield `${type!.name}.${field.name} of the partitioned subgraph "${spec.subgraph}" ${problem}`;
    }
  }
}

function rootFieldProblem(
  { schema, names }: Supergraph,
  spec: PartitionSpec,
  type: GraphQLObjectType,
  field: Field,
): string | undefined {
  const route = spec.roots.get(`${type.name}.${field.name}`);
  if (!route) return "needs @partition(by:), @gather or @merge";
  const routing = [names!.partition, names!.gather, names!.merge].filter(
    (name) => directivesOf(field, name).length > 0,
  );
  if (routing.length > 1) return `cannot have both @${routing[0]} and @${routing[1]}`;
  if (route.kind !== "owner" && type !== schema.getQueryType())
    return `changes something, so @${routing[0]} cannot be on it`;
  switch (route.kind) {
    case "owner":
      return argumentPathExists(field, route.by)
        ? undefined
        : `has no argument "${route.by.join(".")}" to route by`;
    case "gather":
      return isListOfNullable(field.type)
        ? undefined
        : "has @gather, so it must be a list of nullable elements";
    case "merge": {
      const problem = brokenPageRule(field, route.missing);
      return problem && `has @merge, ${problem}`;
    }
    default:
      return route satisfies never;
  }
}

function argumentPathExists(field: Field, [argument, ...rest]: FieldPath): boolean {
  let type: GraphQLInputType | undefined = field.args.find(({ name }) => name === argument)?.type;
  for (const name of rest) {
    const parent = type && getNullableType(type);
    type = isInputObjectType(parent) ? parent.getFields()[name]?.type : undefined;
  }
  return isLeafType(type && getNullableType(type));
}

function* entityRules({ schema, names }: Supergraph, spec: PartitionSpec, graph: string): Generator<string> {
  for (const type of Object.values(schema.getTypeMap())) {
    const keys = resolvableKeys(type, graph);
    if (keys.length === 0) continue;
    const entity = spec.entities.get(type.name);
    if (!entity) {
      yield `The entity ${type.name} of the partitioned subgraph "${spec.subgraph}" needs @${names?.partition ?? "partition"}(by:)`;
    } else if (!keys.every((key) => keyPathExists(key, entity.by))) {
      yield `The entity ${type.name} is partitioned by "${entity.by.join(".")}", which is not in its key`;
    }
  }
}

function keyPathExists(key: SelectionSetNode, [name, ...rest]: FieldPath): boolean {
  for (const selection of key.selections) {
    if (selection.kind !== Kind.FIELD || selection.name.value !== name) continue;
    return selection.selectionSet
      ? rest.length > 0 && keyPathExists(selection.selectionSet, rest)
      : rest.length === 0;
  }
  return false;
}

function* crossingRules({ schema }: Supergraph, spec: PartitionSpec, graph: string): Generator<string> {
  for (const name of spec.crossings) {
    const [typeName, fieldName] = name.split(".") as [string, string];
    const type = schema.getType(typeName);
    if (!isObjectType(type)) continue;
    const field = type.getFields()[fieldName]!;
    if (!resolvesField(graph, type, field)) continue;
    if (isNonNullType(field.type) && !isListOfNullable(field.type)) {
      yield `${name} has @crosses, so it must be nullable, or a list of nullable elements`;
    }
    const target = elementType(field.type);
    if (!isObjectType(target) || !spec.entities.has(target.name)) {
      yield `${name} has @crosses, but ${String(target)} is not an entity with @partition`;
    }
  }
}

/** `[T]` or `[T]!`. */
function isListOfNullable(type: GraphQLOutputType): boolean {
  const list = getNullableType(type);
  return isListType(list) && !isNonNullType(list.ofType) && !isListType(list.ofType);
}

/** The type itself, or the element type of a list. */
function elementType(type: GraphQLOutputType): GraphQLOutputType {
  const nullable = getNullableType(type);
  return isListType(nullable) ? getNullableType(nullable.ofType) : nullable;
}
