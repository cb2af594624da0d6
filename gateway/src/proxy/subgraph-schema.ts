/**
 * A partitioned subgraph as a router sees it: one schema with federation's own root fields, and the partition
 * spec by which it is split.
 */
import { buildSubgraphSchema } from "@apollo/subgraph";
import {
  type ASTVisitor,
  buildASTSchema,
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  parse,
  type ValidationContext,
} from "graphql";
import type { Supergraph } from "../ground/supergraph.ts";
import { type PartitionSpec, readPartitionSpec } from "../sources/partitions/partition-spec.ts";

const SERVICE_TYPE = "_Service";

export interface SubgraphSchema {
  /** The schema, with `_entities` and `_service`. */
  schema: GraphQLSchema;
  spec: PartitionSpec;
}

/** @param supergraph composed here, of this subgraph alone: the spec is read from a supergraph */
export function readSubgraphSchema(supergraph: Supergraph, subgraph: string): SubgraphSchema {
  const [graph] = supergraph.subgraphs.keys();
  const sdl = supergraph.servedSdls!.get(subgraph)!;
  const schema = buildSchema(parse(sdl));
  schema.getQueryType()!.getFields()._service!.resolve = () => ({ sdl });
  return { schema, spec: readPartitionSpec(supergraph, graph!) };
}

/** Some servers, ours among them, include federation's own definitions in their SDL, and others do not. */
function buildSchema(document: DocumentNode): GraphQLSchema {
  const isWhole = document.definitions.some(
    (definition) => definition.kind === Kind.OBJECT_TYPE_DEFINITION && definition.name.value === SERVICE_TYPE,
  );
  return isWhole ? buildASTSchema(document) : buildSubgraphSchema([{ typeDefs: document }]);
}

/** Root fields that are answered here or fetched by key. */
export const FEDERATION_FIELDS = { entities: "_entities", service: "_service" } as const;
const UNROUTED = new Set<string>(["__typename", "__schema", "__type", ...Object.values(FEDERATION_FIELDS)]);

/**
 * Refuses root fields that are for one given service: services ask each other for these, and know which to
 * ask.
 */
export function createRoutableRule(specOf: (schema: GraphQLSchema) => PartitionSpec) {
  return (context: ValidationContext): ASTVisitor => ({
    Field(node) {
      const schema = context.getSchema();
      const { roots, subgraph } = specOf(schema);
      const parent = context.getParentType();
      if (!parent || (parent !== schema.getQueryType() && parent !== schema.getMutationType())) return;
      if (UNROUTED.has(node.name.value) || roots.has(`${parent.name}.${node.name.value}`)) return;
      // Another rule reports that the field does not exist.
      if (!parent.getFields()[node.name.value]) return;
      const message = `${parent.name}.${node.name.value} is asked of one ${subgraph}, not of all of them.`;
      context.reportError(new GraphQLError(message, { nodes: node }));
    },
  });
}
