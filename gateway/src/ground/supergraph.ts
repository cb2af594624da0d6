/**
 * What the gateway itself reads from a supergraph document: its subgraphs, the subgraphs of each field, and
 * the local names of the partition spec's directives.
 */
import { StartupError } from "@teranga/kit/process/config.ts";
import {
  buildASTSchema,
  type ConstDirectiveNode,
  type DocumentNode,
  type GraphQLField,
  type GraphQLInterfaceType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  isInterfaceType,
  isObjectType,
  isScalarType,
  isSpecifiedScalarType,
  Kind,
  parse,
  valueFromASTUntyped,
} from "graphql";
import { literalValue } from "./documents.ts";

/** The URL of the partition spec, without its version. */
const SPEC_URL = "https://teranga.dev/partition/";

/** A subgraph as the supergraph names it. */
export interface SupergraphSubgraph {
  name: string;
  /** The URL in the supergraph. It may be empty, or a placeholder that a topology overrides. */
  url: string;
}

/** The spec's directives under the names that this supergraph gives them. */
export interface SpecNames {
  partition: string;
  gather: string;
  merge: string;
  crosses: string;
}

export interface Supergraph {
  sdl: string;
  /** The text's syntax tree, without positions. */
  document: DocumentNode;
  /** All types, with their directives in the AST nodes. Only for reading: clients see another schema. */
  schema: GraphQLSchema;
  /** By the graph's enum value (`CITY`). */
  subgraphs: ReadonlyMap<string, SupergraphSubgraph>;
  /** Undefined if the supergraph does not link the partition spec. */
  names: SpecNames | undefined;
  /** The SDL of each subgraph, by name, if the supergraph was composed here. */
  servedSdls?: ReadonlyMap<string, string>;
}

/** The nodes that may have @link directives. */
type SchemaNodes = Pick<GraphQLSchema, "astNode" | "extensionASTNodes">;

/** A type or a field, with directives in its AST node. */
type Annotated = GraphQLNamedType | GraphQLField<unknown, unknown>;

/** @throws StartupError, one line, if the text is not a supergraph */
export function readSupergraph(sdl: string): Supergraph {
  let document: DocumentNode;
  let schema: GraphQLSchema;
  try {
    document = parse(sdl, { noLocation: true });
    schema = buildASTSchema(document, { assumeValid: true, assumeValidSDL: true });
  } catch (error) {
    throw unusableSupergraph(error);
  }
  const subgraphs = readSubgraphs(schema);
  if (subgraphs.size === 0) throw new StartupError("Supergraph: it names no subgraph (enum join__Graph)");
  refuseLabels(schema);
  keepDigits(schema);
  return { sdl, document, schema, subgraphs, names: readSpecNames(schema) };
}

/** One line, from an error of several lines or with several causes. */
export function unusableSupergraph(error: unknown): StartupError {
  const { causes = [error as Error] } = error as { causes?: readonly Error[] };
  return new StartupError(`Supergraph: ${causes[0]!.message.split("\n")[0]}`);
}

/**
 * Refuses @override labels. A label moves a share of a field's requests to another subgraph. The gateway does
 * not evaluate labels, so all requests would silently go to the old subgraph.
 */
function refuseLabels(schema: GraphQLSchema): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) && !isInterfaceType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      for (const directive of directivesOf(field, "join__field")) {
        const { overrideLabel } = argumentsOf(directive);
        if (overrideLabel === undefined || overrideLabel === null) continue;
        const what = `@override(label: "${overrideLabel}") of ${type.name}.${field.name}`;
        throw new StartupError(`Supergraph: ${what} is not supported: use @override without a label`);
      }
    }
  }
}

/** Values of custom scalars are parsed here to find out their owner, and must keep all their digits. */
function keepDigits(schema: GraphQLSchema): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (isScalarType(type) && !isSpecifiedScalarType(type))
      type.parseLiteral = (node, variables) => literalValue(node, variables ?? {});
  }
}

function readSubgraphs(schema: GraphQLSchema): Map<string, SupergraphSubgraph> {
  const subgraphs = new Map<string, SupergraphSubgraph>();
  const graphs = schema.getType("join__Graph")?.astNode;
  if (graphs?.kind !== Kind.ENUM_TYPE_DEFINITION) return subgraphs;
  for (const value of graphs.values ?? []) {
    const graph = value.directives?.find((directive) => directive.name.value === "join__graph");
    if (!graph) continue;
    const { name, url } = argumentsOf(graph) as { name: string; url: string };
    subgraphs.set(value.name.value, { name, url });
  }
  return subgraphs;
}

/** The local names of the partition spec's directives in a supergraph or a subgraph. */
export function readSpecNames(schema: SchemaNodes): SpecNames | undefined {
  const local = linkedNames(schema, SPEC_URL, "partition");
  if (!local) return undefined;
  return {
    partition: local("partition"),
    gather: local("gather"),
    merge: local("merge"),
    crosses: local("crosses"),
  };
}

/**
 * Follows the core-schema link of a specification. A directive may be imported, perhaps under another name.
 * Otherwise it has the prefix of the link, except for the directive with the specification's own name.
 * @returns the local name of a directive; undefined if the specification is not linked
 */
export function linkedNames(
  { astNode, extensionASTNodes }: SchemaNodes,
  specUrl: string,
  specName: string,
): ((directive: string) => string) | undefined {
  for (const definition of [astNode, ...extensionASTNodes]) {
    for (const directive of definition?.directives ?? []) {
      if (directive.name.value !== "link") continue;
      const link = argumentsOf(directive) as { url?: string; as?: string; import?: unknown[] };
      if (!link.url?.startsWith(specUrl)) continue;
      const prefix = link.as ?? specName;
      return (name) =>
        importedAs(name, link.import ?? []) ?? (name === specName ? prefix : `${prefix}__${name}`);
    }
  }
  return undefined;
}

function importedAs(name: string, imports: readonly unknown[]): string | undefined {
  for (const entry of imports) {
    if (entry === `@${name}`) return name;
    const renamed = entry as { name?: string; as?: string };
    if (renamed?.name === `@${name}`) return (renamed.as ?? renamed.name).slice(1);
  }
  return undefined;
}

/** The directives with this name on a type or field. */
export function directivesOf(annotated: Annotated, name: string): ConstDirectiveNode[] {
  return annotated.astNode?.directives?.filter((directive) => directive.name.value === name) ?? [];
}

/** A directive's arguments as plain values. */
export function argumentsOf(directive: ConstDirectiveNode): Record<string, unknown> {
  return Object.fromEntries(
    (directive.arguments ?? []).map(({ name, value }) => [name.value, valueFromASTUntyped(value)]),
  );
}

/**
 * Whether a subgraph (by its enum value) resolves the field. A field that names no graph belongs to all
 * graphs of its type.
 */
export function resolvesField(
  graph: string,
  type: GraphQLObjectType | GraphQLInterfaceType,
  field: Annotated,
): boolean {
  const own = directivesOf(field, "join__field")
    .map(argumentsOf)
    .filter((join) => join.graph !== undefined);
  if (own.length > 0) return own.some((join) => join.graph === graph && join.external !== true);
  return directivesOf(type, "join__type").some((join) => argumentsOf(join).graph === graph);
}
