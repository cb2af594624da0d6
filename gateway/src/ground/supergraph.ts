/**
 * What the gateway reads from a supergraph document itself: its subgraphs, which subgraph a field belongs to,
 * and the local names of the partition spec's directives.
 */
import { StartupError } from "@teranga/kit/process/config.ts";
import {
  buildASTSchema,
  type ConstDirectiveNode,
  type DocumentNode,
  type GraphQLField,
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

/** Where the partition spec lives, whatever its version. */
const SPEC_URL = "https://teranga.dev/partition/";

/** One subgraph as the supergraph names it. */
export interface SupergraphSubgraph {
  name: string;
  /** The URL written into the supergraph; may be empty, or a placeholder that a topology overrides. */
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
  /** All types, with their directives in the AST nodes. For reading only: it is not what clients see. */
  schema: GraphQLSchema;
  /** By the graph's enum value (`CITY`). */
  subgraphs: ReadonlyMap<string, SupergraphSubgraph>;
  /** Undefined if the supergraph does not link the partition spec. */
  names: SpecNames | undefined;
}

/** Where links stand. */
type SchemaNodes = Pick<GraphQLSchema, "astNode" | "extensionASTNodes">;

/** Anything with directives in its AST node: a type or a field. */
type Annotated = GraphQLNamedType | GraphQLField<unknown, unknown>;

/** @throws StartupError with one line if the text is not a supergraph. */
export function readSupergraph(sdl: string): Supergraph {
  let document: DocumentNode;
  let schema: GraphQLSchema;
  try {
    document = parse(sdl, { noLocation: true });
    schema = buildASTSchema(document, { assumeValid: true, assumeValidSDL: true });
  } catch (error) {
    throw new StartupError(`Supergraph: ${(error as Error).message.split("\n")[0]}`);
  }
  const subgraphs = readSubgraphs(schema);
  if (subgraphs.size === 0) throw new StartupError("Supergraph: it names no subgraph (enum join__Graph)");
  refuseLabels(schema);
  keepDigits(schema);
  return { sdl, schema, subgraphs, names: readSpecNames(schema) };
}

/**
 * A label moves a share of a field's requests. Nobody decides on one here, and all of them would silently go
 * to the old subgraph.
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

/** What a client writes is read here to find out whose it is: the digits count. */
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

/** The partition spec's directives as a supergraph, or a subgraph, calls them. */
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
 * Follows the core-schema link of a specification: its directives may be imported, perhaps under another
 * name; else they have the prefix that the link gives them. The directive that has the specification's own
 * name needs no import.
 * @returns what a directive is called here; undefined if the specification is not linked
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

/** The directives of one name on a type or field. */
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
 * Whether a subgraph (by its enum value) resolves the field. A field that names no graph belongs to all of
 * its type's.
 */
export function resolvesField(graph: string, type: GraphQLObjectType, field: Annotated): boolean {
  const own = directivesOf(field, "join__field")
    .map(argumentsOf)
    .filter((join) => join.graph !== undefined);
  if (own.length > 0) return own.some((join) => join.graph === graph && join.external !== true);
  return directivesOf(type, "join__type").some((join) => argumentsOf(join).graph === graph);
}
