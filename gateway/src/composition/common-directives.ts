/**
 * Merges the directives of one element over several partitions. There are four kinds. Remarks, and
 * directives that hide something, apply if one partition has them. Those that say who may ask apply together:
 * a partition that does not know them yet opens nothing to anybody. Keys apply if every partition has them.
 * All others say how the element is to be asked for and must agree.
 */
import { type RequirementNames, requirementsOf } from "@teranga/kit/identity/requirement.ts";
import {
  type ConstDirectiveNode,
  type DirectiveDefinitionNode,
  DirectiveLocation,
  Kind,
  parse,
  parseConstValue,
  print,
  type SchemaDefinitionNode,
  type SchemaExtensionNode,
  stripIgnoredCharacters,
} from "graphql";
import { combined } from "../authorization/alternatives.ts";
import { requirementNames } from "../authorization/requirement-names.ts";
import { argumentsOf } from "../ground/supergraph.ts";
import { differsIn, lackedBy, type Omissions } from "./omissions.ts";
import type { SdlModel } from "./sdl-model.ts";

/** The schema that some partitions serve. */
export interface Version extends SdlModel {
  partitions: readonly string[];
  /** The names of the directives that say who may ask. */
  access: RequirementNames;
}

export function versionOf(partitions: readonly string[], model: SdlModel): Version {
  const extensionASTNodes = model.schemas as readonly SchemaExtensionNode[];
  return { partitions, ...model, access: requirementNames({ astNode: undefined, extensionASTNodes }) };
}

/**
 * Remarks, and directives with which a graph offers less or composes in more cases: they apply if one
 * partition has them.
 */
const IF_ANY = new Set([
  "deprecated",
  "tag",
  "specifiedBy",
  "shareable",
  "inaccessible",
  "cost",
  "listSize",
  "cacheControl",
  // Our own: it only says that nobody forgot to say who may ask.
  "public",
]);
/** Means the same as the keyword `extend`, which is not compared either. */
const IGNORED = new Set(["extends"]);

/** The directives of an element in one version. */
export interface DirectivesOf {
  version: Version;
  directives: readonly ConstDirectiveNode[];
}

/** The directives that apply, or why the element cannot be offered. */
export type CommonDirectives =
  | { kind: "agreed"; directives: ConstDirectiveNode[] }
  | { kind: "disagree"; because: string };

/** @param what the element's name, for reporting keys that are left out */
export function commonDirectives(
  what: string,
  sides: readonly DirectivesOf[],
  omissions: Omissions,
): CommonDirectives {
  const kept = new Map<string, ConstDirectiveNode>();
  const access = accessDirectives(sides);
  if (!access) return { kind: "disagree", because: "the partitions say in too many ways who may ask" };
  for (const node of access) kept.set(textOf(node), node);
  const uses = sides.map(
    ({ version, directives }) =>
      new Map(directives.filter((node) => !isAccess(node, version)).map((node) => [textOf(node), node])),
  );
  for (const [text, node] of uses.flatMap((use) => [...use])) {
    const name = specName(node.name.value);
    if (IGNORED.has(name)) continue;
    if (IF_ANY.has(name)) {
      // Only @tag may be repeated.
      const key = name === "tag" ? text : name;
      if (!kept.has(key)) kept.set(key, node);
      continue;
    }
    if (kept.has(text)) continue;
    const lacking = sides.filter((_, index) => !uses[index]!.has(text));
    if (lacking.length === 0) kept.set(text, node);
    else if (name === "key")
      omissions.add(`${what} ${text}`, lackedBy(lacking.flatMap(({ version }) => version.partitions)));
    else return { kind: "disagree", because: disagreement(node.name.value, sides) };
  }
  return { kind: "agreed", directives: [...kept.values()] };
}

const isAccess = ({ name }: ConstDirectiveNode, { access }: Version): boolean =>
  Object.values(access).includes(name.value);

/** The directives that say who may ask: all that the partitions say. Undefined if that is too much. */
function accessDirectives(sides: readonly DirectivesOf[]): ConstDirectiveNode[] | undefined {
  const own = sides.flatMap(({ version, directives }) =>
    directives.flatMap((node) =>
      requirementsOf([node], version.access).map((requirement) => ({ node, requirement })),
    ),
  );
  const together: ConstDirectiveNode[] = [];
  for (const same of Map.groupBy(own, ({ node }) => node.name.value).values()) {
    const { node } = same[0]!;
    const alternatives = same.flatMap(({ requirement }) =>
      "anyOf" in requirement ? [requirement.anyOf] : [],
    );
    // Instances of one version say the same.
    const differing = new Map(alternatives.map((each) => [JSON.stringify(each), each]));
    const all = combined([...differing.values()]);
    if (!all) return undefined;
    const value = parseConstValue(JSON.stringify(all), { noLocation: true });
    const args = node.arguments?.map((argument) => ({ ...argument, value }));
    together.push({ ...node, ...(args && { arguments: args }) });
  }
  return together;
}

function disagreement(name: string, sides: readonly DirectivesOf[]): string {
  const values = sides.map(({ version, directives }) => ({
    value:
      directives
        .filter((node) => node.name.value === name)
        .map(textOf)
        .join(" ") || `without @${name}`,
    partitions: version.partitions,
  }));
  return differsIn(values);
}

/** The name of a directive in the federation spec: `@federation__key` is `@key` without an import. */
export function specName(name: string): string {
  return name.replace(/^federation__/, "");
}

/** A directive with sorted arguments and normalised whitespace in its field set. */
function textOf(node: ConstDirectiveNode): string {
  const args = (node.arguments ?? []).map(({ name, value }) => {
    const isFields = name.value === "fields" && value.kind === Kind.STRING;
    return `${name.value}: ${isFields ? JSON.stringify(stripIgnoredCharacters(value.value)) : print(value)}`;
  });
  return `@${node.name.value}${args.length > 0 ? `(${args.sort().join(", ")})` : ""}`;
}

/**
 * The definitions that can be kept. A directive that clients may write must be known to every partition. One
 * that stands only in SDL must be known to one partition.
 * @throws Error if two partitions define a directive differently
 */
export function commonDirectiveDefinitions(
  versions: readonly Version[],
  omissions: Omissions,
): Map<string, DirectiveDefinitionNode> {
  const kept = new Map<string, DirectiveDefinitionNode>();
  for (const [name, definition] of versions.flatMap(({ directives }) => [...directives])) {
    if (kept.has(name)) continue;
    const others = versions.map(({ directives }) => directives.get(name));
    const wanted = signatureOf(definition);
    const different = versions.filter((_, index) => others[index] && signatureOf(others[index]) !== wanted);
    if (different.length > 0) {
      const first = versions.find(({ directives }) => directives.get(name) === definition)!;
      throw new Error(
        `${first.partitions[0]} and ${different[0]!.partitions[0]} define @${name} differently`,
      );
    }
    const lacking = versions.filter((_, index) => !others[index]);
    if (lacking.length > 0 && definition.locations.some(({ value }) => EXECUTABLE.has(value)))
      omissions.add(`@${name}`, lackedBy(lacking.flatMap(({ partitions }) => partitions)));
    else kept.set(name, definition);
  }
  return kept;
}

const EXECUTABLE: ReadonlySet<string> = new Set([
  DirectiveLocation.QUERY,
  DirectiveLocation.MUTATION,
  DirectiveLocation.SUBSCRIPTION,
  DirectiveLocation.FIELD,
  DirectiveLocation.FRAGMENT_DEFINITION,
  DirectiveLocation.FRAGMENT_SPREAD,
  DirectiveLocation.INLINE_FRAGMENT,
  DirectiveLocation.VARIABLE_DEFINITION,
]);

function signatureOf({ description: _, ...definition }: DirectiveDefinitionNode): string {
  const args = definition.arguments?.map(({ description: __, ...argument }) => argument);
  return print({ ...definition, ...(args && { arguments: args }) });
}

type SchemaNode = SchemaDefinitionNode | SchemaExtensionNode;

/**
 * The schema definition with the links of all versions. Of a spec with several versions, the newest is
 * linked, with the imports of all.
 * @throws Error if the root types or the names of imports differ
 */
export function commonSchemaNodes(versions: readonly Version[]): SchemaNode[] {
  const roots = new Set(versions.map(({ schemas }) => schemas.flatMap(rootTypesOf).sort().join(" ")));
  if (roots.size > 1) throw new Error(`the partitions name their root types differently`);
  const links = new Map<string, Link>();
  const others = new Map<string, ConstDirectiveNode>();
  for (const node of versions.flatMap(({ schemas }) =>
    schemas.flatMap((schema) => schema.directives ?? []),
  )) {
    if (node.name.value === "link") addLink(links, node);
    else others.set(textOf(node), node);
  }
  const directives = [...Array.from(links.values(), linkNode), ...others.values()];
  const first = versions[0]!.schemas;
  const definition = first.find(({ kind }) => kind === Kind.SCHEMA_DEFINITION);
  if (definition) return [{ ...definition, directives }];
  return directives.length > 0 ? [{ kind: Kind.SCHEMA_EXTENSION, directives }] : [];
}

function rootTypesOf({ operationTypes = [] }: SchemaNode): string[] {
  return operationTypes.map(print);
}

interface Link {
  identity: string;
  /** `v2.12`, or empty. */
  version: string;
  as: unknown;
  for: unknown;
  /** Local names, by the spec's names. */
  imports: Map<string, string>;
}

function addLink(links: Map<string, Link>, node: ConstDirectiveNode): void {
  const given = argumentsOf(node) as { url?: string; as?: unknown; for?: unknown; import?: unknown[] };
  const url = given.url ?? "";
  const [, identity = url, version = ""] = /^(.*)\/(v\d+\.\d+)$/.exec(url) ?? [];
  const link: Link = links.get(identity) ?? {
    identity,
    version,
    as: given.as,
    for: given.for,
    imports: new Map(),
  };
  if (link.as !== given.as) throw new Error(`the partitions link ${identity} under different names`);
  if (version.localeCompare(link.version, "en", { numeric: true }) > 0) link.version = version;
  for (const entry of given.import ?? []) {
    const { name, as = name } = (typeof entry === "string" ? { name: entry } : entry) as Record<
      string,
      string
    >;
    if ((link.imports.get(name!) ?? as) !== as)
      throw new Error(`the partitions import ${name} of ${identity} under different names`);
    link.imports.set(name!, as!);
  }
  links.set(identity, link);
}

function linkNode(link: Link): ConstDirectiveNode {
  const imports = Array.from(link.imports, ([name, as]) =>
    name === as ? JSON.stringify(name) : `{ name: ${JSON.stringify(name)}, as: ${JSON.stringify(as)} }`,
  );
  const args = [
    `url: ${JSON.stringify([link.identity, link.version].filter(Boolean).join("/"))}`,
    ...(link.as === undefined ? [] : [`as: ${JSON.stringify(link.as)}`]),
    ...(link.for === undefined ? [] : [`for: ${link.for}`]),
    ...(imports.length > 0 ? [`import: [${imports.join(", ")}]`] : []),
  ];
  const document = parse(`extend schema @link(${args.join(", ")})`, { noLocation: true });
  return (document.definitions[0] as SchemaExtensionNode).directives![0]!;
}
