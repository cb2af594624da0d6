/**
 * Decides which fields of a mutation go into one request. The planner puts consecutive fields of one service
 * into one request and fetches what other services know of the results afterwards. If such a fetch fails, a
 * non-null field makes the whole answer null, and GraphQL would not have begun the fields after it. So such a
 * field is the last of its request, and what other services know of it is fetched before the next request is
 * sent.
 */
import type { FetchNode, FlattenNode, PlanNode, QueryPlan } from "@apollo/query-planner";
import { type FieldNode, type GraphQLSchema, isNonNullType, Kind, parse } from "graphql";
import {
  inlinedOperation,
  printCompact,
  type RootSelection,
  responseNameOf,
  rootSelections,
  usedVariables,
  within,
} from "../ground/documents.ts";

/** @param schema the schema that clients see */
export function withFailuresLast(plan: QueryPlan, schema: GraphQLSchema): QueryPlan {
  const { node } = plan;
  if (!node || node.kind === "Subscription") return plan;
  if (node.kind !== "Defer") return { ...plan, node: oneByOne(node, schema) };
  const { primary } = node;
  if (!primary.node) return plan;
  return { ...plan, node: { ...node, primary: { ...primary, node: oneByOne(primary.node, schema) } } };
}

function oneByOne(node: PlanNode, schema: GraphQLSchema): PlanNode {
  const parts = [...partsOf(node)];
  const completed = new Set(parts.flatMap((part) => (part.kind === "Flatten" ? String(part.path[0]) : [])));
  if (completed.size === 0) return node;
  const selections = parts.flatMap((part) => (part.kind === "Fetch" ? selectionsOf(part) : []));
  const groups: Set<string>[] = [new Set()];
  for (const { field } of selections) {
    const name = responseNameOf(field);
    groups.at(-1)!.add(name);
    if (completed.has(name) && isNonNull(field, schema)) groups.push(new Set());
  }
  if (groups.at(-1)!.size === 0) groups.pop();
  if (groups.length < 2) return node;
  return { kind: "Sequence", nodes: groups.flatMap((names) => partOf(node, names) ?? []) };
}

function isNonNull({ name }: FieldNode, schema: GraphQLSchema): boolean {
  return isNonNullType(schema.getMutationType()?.getFields()[name.value]?.type);
}

const selectionsOf = ({ operation }: FetchNode): RootSelection[] => [
  ...rootSelections(inlinedOperation(parse(operation, { noLocation: true })).selectionSet),
];

/** The fetches at the root of a plan, and the nodes below them. */
function* partsOf(node: PlanNode): Generator<FetchNode | FlattenNode> {
  switch (node.kind) {
    case "Fetch":
    case "Flatten":
      yield node;
      break;
    case "Sequence":
    case "Parallel":
      for (const each of node.nodes) yield* partsOf(each);
      break;
    case "Condition":
      if (node.ifClause) yield* partsOf(node.ifClause);
      if (node.elseClause) yield* partsOf(node.elseClause);
      break;
    case "Defer":
      throw new Error("what is deferred within a plan's first part is not within its node");
    default:
      node satisfies never;
  }
}

/** The part of a plan that belongs to some of the root fields. */
function partOf(node: PlanNode, names: ReadonlySet<string>): PlanNode | undefined {
  switch (node.kind) {
    case "Fetch":
      return fetchOf(node, names);
    case "Flatten":
      return names.has(String(node.path[0])) ? node : undefined;
    case "Sequence":
    case "Parallel": {
      const nodes = node.nodes.flatMap((each) => partOf(each, names) ?? []);
      return nodes.length > 0 ? { ...node, nodes } : undefined;
    }
    case "Condition": {
      const ifClause = node.ifClause && partOf(node.ifClause, names);
      const elseClause = node.elseClause && partOf(node.elseClause, names);
      if (!ifClause && !elseClause) return undefined;
      const { kind, condition } = node;
      return { kind, condition, ...(ifClause && { ifClause }), ...(elseClause && { elseClause }) };
    }
    case "Defer":
      throw new Error("what is deferred within a plan's first part is not within its node");
    default:
      return node satisfies never;
  }
}

function fetchOf(node: FetchNode, names: ReadonlySet<string>): FetchNode | undefined {
  const all = selectionsOf(node);
  const own = all.filter(({ field }) => names.has(responseNameOf(field)));
  if (own.length === 0) return undefined;
  if (own.length === all.length) return node;
  const { operationDocumentNode: _, id, ...fetch } = node;
  const selections = own.map(({ field, conditions, around }) => within(field, [...around, ...conditions]));
  const operation = inlinedOperation(parse(node.operation, { noLocation: true }));
  const selectionSet = { kind: Kind.SELECTION_SET, selections } as const;
  const used = usedVariables({ ...operation, variableDefinitions: [], selectionSet });
  const variableDefinitions = operation.variableDefinitions?.filter(({ variable }) =>
    used.has(variable.name.value),
  );
  return {
    ...fetch,
    // A deferred part that waits for this fetch must wait for all of its parts, so the last part has the id.
    ...(id !== undefined && own.at(-1) === all.at(-1) && { id }),
    operation: printCompact({
      ...operation,
      ...(variableDefinitions && { variableDefinitions }),
      selectionSet,
    }),
    variableUsages: node.variableUsages?.filter((name) => used.has(name)) ?? [],
  };
}
