/**
 * A partitioned subgraph as a router sees it: one schema with federation's own root fields, and the partition
 * spec by which it is split.
 */
import { buildSubgraphSchema } from "@apollo/subgraph";
import { StartupError } from "@teranga/kit/process/config.ts";
import { compose } from "@teranga/schema/compose.ts";
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
import { readSupergraph } from "../ground/supergraph.ts";
import { brokenPartitionRules } from "../sources/partitions/partition-rules.ts";
import {
  type PartitionSpec,
  partitionedGraphs,
  readPartitionSpec,
} from "../sources/partitions/partition-spec.ts";

const SERVICE_TYPE = "_Service";

export interface SubgraphSchema {
  /** The SDL that the partitions serve. */
  sdl: string;
  /** The schema, with `_entities` and `_service`. */
  schema: GraphQLSchema;
  spec: PartitionSpec;
}

/**
 * Composes the subgraph alone, because the spec is read from a supergraph. Of other subgraphs' types it has
 * only the keys.
 * @throws StartupError, one line, if that fails or the subgraph breaks the rules of the partition spec
 */
export function readSubgraphSchema(subgraph: string, sdl: string): SubgraphSchema {
  const supergraph = readSupergraph(composeAlone(subgraph, sdl));
  const [graph] = partitionedGraphs(supergraph);
  if (!graph) throw new StartupError(`The subgraph "${subgraph}" has no root field with a route`);
  const broken = brokenPartitionRules(supergraph, graph);
  if (broken.length > 0) throw new StartupError(broken.join("; "));
  const schema = buildSchema(parse(sdl));
  schema.getQueryType()!.getFields()._service!.resolve = () => ({ sdl });
  return { sdl, schema, spec: readPartitionSpec(supergraph, graph) };
}

/** Some servers, ours among them, include federation's own definitions in their SDL, and others do not. */
function buildSchema(document: DocumentNode): GraphQLSchema {
  const isWhole = document.definitions.some(
    (definition) => definition.kind === Kind.OBJECT_TYPE_DEFINITION && definition.name.value === SERVICE_TYPE,
  );
  return isWhole ? buildASTSchema(document) : buildSubgraphSchema([{ typeDefs: document }]);
}

function composeAlone(subgraph: string, sdl: string): string {
  try {
    return compose([{ name: subgraph, url: `http://${subgraph}/graphql`, sdl }]).supergraphSdl;
  } catch (error) {
    throw new StartupError(`The subgraph "${subgraph}": ${(error as Error).message.replaceAll("\n", "; ")}`);
  }
}

/** Root fields that are answered here or fetched by key. */
export const FEDERATION_FIELDS = { entities: "_entities", service: "_service" } as const;
const UNROUTED = new Set<string>(["__typename", "__schema", "__type", ...Object.values(FEDERATION_FIELDS)]);

/**
 * Refuses root fields that are for one given service: services ask each other for these, and know which to
 * ask.
 */
export function createRoutableRule(spec: () => PartitionSpec) {
  return (context: ValidationContext): ASTVisitor => ({
    Field(node) {
      const { roots, subgraph } = spec();
      const schema = context.getSchema();
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
