/**
 * The partition spec of one subgraph, read from the supergraph: how root fields and entities are routed, and
 * which fields cross from one partition to another. Splitting an operation needs nothing else.
 */
import {
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  isAbstractType,
  isObjectType,
  type OperationTypeNode,
  type SelectionSetNode,
} from "graphql";
import { parseFieldSet } from "../../ground/documents.ts";
import {
  argumentsOf,
  directivesOf,
  resolvesField,
  type SpecNames,
  type Supergraph,
} from "../../ground/supergraph.ts";

/** A path, outermost name first: `["input", "town"]`. */
export type FieldPath = readonly string[];

/** Which partitions answer a root field: the owner of the value at a path in its arguments, or all. */
export type RootRoute =
  | { kind: "owner"; by: FieldPath }
  /** Every partition answers with a list, and the lists are joined. */
  | { kind: "gather" }
  /**
   * Every partition answers with a page, and the pages are merged. `missing` is the page's list of missing
   * partitions.
   */
  | { kind: "merge"; missing: string };

/** An entity whose rows are spread over the partitions. */
export interface PartitionedEntity {
  /** The path of the routing value in its key. */
  by: FieldPath;
  /** The key by which the subgraph can be asked for it. */
  key: SelectionSetNode;
}

export interface PartitionSpec {
  subgraph: string;
  /** The types of the whole supergraph. */
  schema: GraphQLSchema;
  /** By type and field: `Query.client`. */
  roots: ReadonlyMap<string, RootRoute>;
  /** By type name. */
  entities: ReadonlyMap<string, PartitionedEntity>;
  /** By type and field: `OrderAllocation.city`. */
  crossings: ReadonlySet<string>;
}

/** Reads the spec of a subgraph. @param graph its enum value in the supergraph, e.g. `CITY` */
export function readPartitionSpec(supergraph: Supergraph, graph: string): PartitionSpec {
  const { schema, names } = supergraph;
  const roots = new Map<string, RootRoute>();
  const entities = new Map<string, PartitionedEntity>();
  const crossings = new Set<string>();
  const subgraph = supergraph.subgraphs.get(graph)!.name;
  if (!names) return { subgraph, schema, roots, entities, crossings };

  const rootTypes = rootTypesOf(schema);
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) && !isAbstractType(type)) continue;
    const entity = readEntity(type, graph, names.partition);
    if (entity) entities.set(type.name, entity);
    if (!("getFields" in type)) continue;
    for (const field of Object.values(type.getFields())) {
      const name = `${type.name}.${field.name}`;
      if (directivesOf(field, names.crosses).length > 0) crossings.add(name);
      if (!isObjectType(type) || !rootTypes.includes(type) || !resolvesField(graph, type, field)) continue;
      const route = readRoute(field, names);
      if (route) roots.set(name, route);
    }
  }
  return { subgraph, schema, roots, entities, crossings };
}

/** The enum values of the subgraphs that have a routed root field. They need a placement by partitions. */
export function partitionedGraphs(supergraph: Supergraph): string[] {
  return [...supergraph.subgraphs.keys()].filter(
    (graph) => readPartitionSpec(supergraph, graph).roots.size > 0,
  );
}

/**
 * Whether a field may lead to another partition. For an abstract type, whether it may for any of its object
 * types.
 */
export function isCrossing(spec: PartitionSpec, parent: GraphQLNamedType, field: string): boolean {
  if (spec.crossings.has(`${parent.name}.${field}`)) return true;
  if (!isAbstractType(parent)) return false;
  return spec.schema.getPossibleTypes(parent).some(({ name }) => spec.crossings.has(`${name}.${field}`));
}

/** The route of a root field, if it has one. */
export function rootRoute(
  spec: PartitionSpec,
  operation: OperationTypeNode,
  field: string,
): RootRoute | undefined {
  return spec.roots.get(`${spec.schema.getRootType(operation)?.name}.${field}`);
}

/** The root types of operations. */
export function rootTypesOf(schema: GraphQLSchema): GraphQLNamedType[] {
  return [schema.getQueryType(), schema.getMutationType()].filter((type) => type != null);
}

function readRoute(field: GraphQLField<unknown, unknown>, names: SpecNames): RootRoute | undefined {
  const partition = directivesOf(field, names.partition)[0];
  if (partition) return { kind: "owner", by: pathOf(partition) };
  if (directivesOf(field, names.gather).length > 0) return { kind: "gather" };
  const merge = directivesOf(field, names.merge)[0];
  return merge && { kind: "merge", missing: String(argumentsOf(merge).missing) };
}

function readEntity(
  type: GraphQLNamedType,
  graph: string,
  partitionName: string,
): PartitionedEntity | undefined {
  const partition = directivesOf(type, partitionName)[0];
  const key = resolvableKeys(type, graph)[0];
  return partition && key ? { by: pathOf(partition), key } : undefined;
}

/** The keys by which a subgraph resolves an entity. */
export function resolvableKeys(type: GraphQLNamedType, graph: string): SelectionSetNode[] {
  return directivesOf(type, "join__type")
    .map(argumentsOf)
    .filter((join) => join.graph === graph && join.resolvable !== false && typeof join.key === "string")
    .map((join) => parseFieldSet(join.key as string));
}

function pathOf(partition: Parameters<typeof argumentsOf>[0]): FieldPath {
  return String(argumentsOf(partition).by).split(".");
}
