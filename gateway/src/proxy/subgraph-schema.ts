/** What a partitioned subgraph is to a router: one schema, with federation's own root fields, and the spec by which it is split. */
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
  /** What the partitions serve. */
  sdl: string;
  /** With `_entities` and `_service`. */
  schema: GraphQLSchema;
  spec: PartitionSpec;
}

/**
 * The spec is read from a supergraph, so the subgraph is composed alone; what it has of other subgraphs' types are keys.
 * @throws StartupError with one line if it cannot be, or if it breaks the rules of the partition spec
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

/** Some servers tell federation's own definitions with their SDL, ours among them, and some leave them out. */
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

/** Refuses root fields that belong to no partition: services ask them of one another, and know whom. */
export function createRoutableRule(spec: () => PartitionSpec) {
  return (context: ValidationContext): ASTVisitor => ({
    Field(node) {
      const { roots, subgraph } = spec();
      const schema = context.getSchema();
      const parent = context.getParentType();
      if (!parent || (parent !== schema.getQueryType() && parent !== schema.getMutationType())) return;
      if (UNROUTED.has(node.name.value) || roots.has(`${parent.name}.${node.name.value}`)) return;
      // That there is no such field is said by another rule.
      if (!parent.getFields()[node.name.value]) return;
      const message = `${parent.name}.${node.name.value} is asked of one ${subgraph}, not of all of them.`;
      context.reportError(new GraphQLError(message, { nodes: node }));
    },
  });
}
