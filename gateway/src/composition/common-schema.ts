/**
 * The schema that all partitions of a subgraph can answer while they serve different ones, during a rolling
 * upgrade or because one city lags behind. An operation that is valid here is valid at every partition, so
 * the gateway never needs to know which partition has which version. What would break this rule is left out,
 * with the reason. A property test checks the rule.
 *
 * - Types, fields, arguments, interfaces and members of unions: those that all partitions have. A field with
 *   a required argument that some partitions lack is left out with the argument.
 * - Nullability: an output is nullable if one partition may answer null. An input is required if one
 *   partition requires it.
 * - Values of enums that clients only read: all values that some partition may answer, because a value that
 *   the graph does not know would turn a sound row into an error. Values of enums that clients also send:
 *   those that all partitions know, because a value that one city does not know would fail the whole request
 *   to it, while the same value read from a newer city costs only one field.
 * - Directives: common-directives.ts.
 *
 * One case is not detected: fields of one response name, in fragments on different object types, with equal
 * nullability here and different nullability in a partition. GraphQL refuses such operations there and says
 * why.
 */
import { type InputValueDefinitionNode, Kind, print, type TypeNode } from "graphql";
import { closeModel } from "./common-closure.ts";
import {
  commonDirectiveDefinitions,
  commonDirectives,
  commonSchemaNodes,
  type Version,
  versionOf,
} from "./common-directives.ts";
import { commonInputType, commonOutputType } from "./common-type-refs.ts";
import { differsIn, lackedBy, type Omission, Omissions } from "./omissions.ts";
import { type FieldModel, printModel, readSdl, type TypeModel } from "./sdl-model.ts";

/** The SDL of one partition. */
export interface ServedSdl {
  partition: string;
  sdl: string;
}

export interface CommonSchema {
  sdl: string;
  omitted: Omission[];
}

/**
 * @param served one entry a partition, at least one. If only order and wording differ, the first is used
 * @throws Error, one line, if a text is no SDL or no schema fits all
 */
export function commonSchema(served: readonly ServedSdl[]): CommonSchema {
  const texts = Map.groupBy(served, ({ sdl }) => sdl);
  if (texts.size === 1) return { sdl: served[0]!.sdl, omitted: [] };
  const versions = Array.from(texts, ([sdl, same]): Version => {
    const partitions = same.map(({ partition }) => partition);
    try {
      return versionOf(partitions, readSdl(sdl));
    } catch (error) {
      throw new Error(`the SDL of ${partitions[0]} is none: ${(error as Error).message.split("\n")[0]}`);
    }
  });
  const omissions = new Omissions();
  const types = new Map<string, TypeModel>();
  for (const name of allKeys(versions.map((version) => version.types))) {
    const sides = sidesOf(name, versions, (version) => version.types.get(name), omissions);
    const type = sides && commonType(sides, omissions);
    if (type) types.set(name, type);
  }
  const model = {
    schemas: commonSchemaNodes(versions),
    directives: commonDirectiveDefinitions(versions, omissions),
    types,
  };
  closeModel(model, versions, omissions);
  return { sdl: printModel(model), omitted: omissions.list() };
}

/** One version of an element. */
interface Side<Element> {
  version: Version;
  element: Element;
}

/** The versions of an element. Undefined, with the reason noted, if a version does not have it. */
function sidesOf<Element>(
  what: string,
  versions: readonly Version[],
  find: (version: Version) => Element | undefined,
  omissions: Omissions,
): Side<Element>[] | undefined {
  const { sides, lacking } = findIn(versions, find);
  if (lacking.length === 0) return sides;
  omissions.add(what, lackedBy(lacking.flatMap(({ partitions }) => partitions)));
  return undefined;
}

function findIn<Element>(versions: readonly Version[], find: (version: Version) => Element | undefined) {
  const sides: Side<Element>[] = [];
  const lacking: Version[] = [];
  for (const version of versions) {
    const element = find(version);
    if (element === undefined) lacking.push(version);
    else sides.push({ version, element });
  }
  return { sides, lacking };
}

/** The names of the first version in its order, then further names of the others. */
function allKeys(maps: readonly ReadonlyMap<string, unknown>[]): Set<string> {
  return new Set(maps.flatMap((map) => [...map.keys()]));
}

function differs<Element>(sides: readonly Side<Element>[], textOf: (element: Element) => string): string {
  return differsIn(
    sides.map(({ version, element }) => ({ value: textOf(element), partitions: version.partitions })),
  );
}

function agreedDirectives(
  what: string,
  sides: readonly Side<Pick<TypeModel, "directives"> | InputValueDefinitionNode>[],
  omissions: Omissions,
) {
  const given = sides.map(({ version, element }) => ({ version, directives: element.directives ?? [] }));
  return commonDirectives(what, given, omissions);
}

function commonType(sides: readonly Side<TypeModel>[], omissions: Omissions): TypeModel | undefined {
  const first = sides[0]!.element;
  const { name, category } = first;
  if (sides.some(({ element }) => element.category !== category)) {
    omissions.add(
      name,
      differs(sides, (element) => `${element.category}`),
    );
    return undefined;
  }
  const common = agreedDirectives(name, sides, omissions);
  if (common.kind === "disagree") {
    omissions.add(name, common.because);
    return undefined;
  }
  const inputs = commonInputs(sides, omissions);
  if (!inputs) return undefined;
  return {
    ...first,
    directives: common.directives,
    interfaces: commonNames(sides, "interfaces", (other) => `${name} implements ${other}`, omissions),
    fields: commonFields(sides, omissions),
    inputs,
    members: commonNames(sides, "members", (other) => `${name} = ${other}`, omissions),
    // All values. Which can stay is decided when it is known where the enum is used.
    values: allValues(sides),
  };
}

function allValues(sides: readonly Side<TypeModel>[]): TypeModel["values"] {
  const values: TypeModel["values"] = new Map();
  for (const [name, value] of sides.flatMap(({ element }) => [...element.values])) {
    if (!values.has(name)) values.set(name, value);
  }
  return values;
}

function commonNames(
  sides: readonly Side<TypeModel>[],
  list: "interfaces" | "members",
  what: (name: string) => string,
  omissions: Omissions,
): string[] {
  const names = new Set(sides.flatMap(({ element }) => element[list]));
  return [...names].filter((name) => {
    const lacking = sides.filter(({ element }) => !element[list].includes(name));
    if (lacking.length === 0) return true;
    // A type that a version lacks altogether is listed under its own name.
    const known = lacking.filter(({ version }) => version.types.has(name));
    if (known.length > 0)
      omissions.add(what(name), lackedBy(known.flatMap(({ version }) => version.partitions)));
    return false;
  });
}

function commonFields(sides: readonly Side<TypeModel>[], omissions: Omissions): Map<string, FieldModel> {
  const fields = new Map<string, FieldModel>();
  const versions = sides.map(({ version }) => version);
  const typeName = sides[0]!.element.name;
  for (const name of allKeys(sides.map(({ element }) => element.fields))) {
    const what = `${typeName}.${name}`;
    const find = (version: Version) => version.types.get(typeName)!.fields.get(name);
    const having = sidesOf(what, versions, find, omissions);
    const field = having && commonField(what, having, omissions);
    if (field) fields.set(name, field);
  }
  return fields;
}

function commonField(
  what: string,
  sides: readonly Side<FieldModel>[],
  omissions: Omissions,
): FieldModel | undefined {
  const type = commonOutputType(sides.map(({ element }) => element.type));
  if (!type) {
    omissions.add(
      what,
      differs(sides, (element) => print(element.type)),
    );
    return undefined;
  }
  const common = agreedDirectives(what, sides, omissions);
  if (common.kind === "disagree") {
    omissions.add(what, common.because);
    return undefined;
  }
  const versions = sides.map(({ version }) => version);
  const args = new Map<string, InputValueDefinitionNode>();
  for (const name of allKeys(sides.map(({ element }) => element.args))) {
    const of = new Map(sides.map(({ version, element }) => [version, element.args.get(name)]));
    const result = commonInput(`${what}(${name}:)`, versions, (version) => of.get(version), omissions);
    if (result.kind === "agreed") args.set(name, result.input);
    else if (result.kind === "needed") {
      omissions.add(what, `its argument ${name} is required in one place and cannot be given in another`);
      return undefined;
    }
  }
  return { ...sides[0]!.element, type, args, directives: common.directives };
}

/** The fields of an input object. Undefined if one is required here and cannot be given there. */
function commonInputs(
  sides: readonly Side<TypeModel>[],
  omissions: Omissions,
): Map<string, InputValueDefinitionNode> | undefined {
  const inputs = new Map<string, InputValueDefinitionNode>();
  const versions = sides.map(({ version }) => version);
  const typeName = sides[0]!.element.name;
  for (const name of allKeys(sides.map(({ element }) => element.inputs))) {
    const find = (version: Version) => version.types.get(typeName)!.inputs.get(name);
    const result = commonInput(`${typeName}.${name}`, versions, find, omissions);
    if (result.kind === "agreed") inputs.set(name, result.input);
    else if (result.kind === "needed") {
      omissions.add(typeName, `its field ${name} is required in one place and cannot be given in another`);
      return undefined;
    }
  }
  return inputs;
}

type CommonInput =
  | { kind: "agreed"; input: InputValueDefinitionNode }
  | { kind: "omitted" }
  /** It cannot be given in every version, and must be given in one. */
  | { kind: "needed" };

/** An argument or an input field. */
function commonInput(
  what: string,
  versions: readonly Version[],
  find: (version: Version) => InputValueDefinitionNode | undefined,
  omissions: Omissions,
): CommonInput {
  const { sides, lacking } = findIn(versions, find);
  const optional = sides.every(({ element }) => isOptional(element));
  const omit = (because: string): CommonInput => {
    if (!optional) return { kind: "needed" };
    omissions.add(what, because);
    return { kind: "omitted" };
  };
  if (lacking.length > 0) return omit(lackedBy(lacking.flatMap(({ partitions }) => partitions)));
  const type = commonInputType(sides.map(({ element }) => element.type));
  if (!type) return omit(differs(sides, (element) => print(element.type)));
  const common = agreedDirectives(what, sides, omissions);
  if (common.kind === "disagree") return omit(common.because);
  const { defaultValue: _, ...first } = sides[0]!.element;
  const defaultValue = optional ? commonDefault(what, type, sides, omissions) : undefined;
  const input = { ...first, type, directives: common.directives, ...(defaultValue && { defaultValue }) };
  return { kind: "agreed", input };
}

/**
 * The common default of an optional input. Partitions use their own, so a default that differs is not
 * promised. A non-null type needs one all the same: without it clients could no longer omit the value.
 */
function commonDefault(
  what: string,
  type: TypeNode,
  sides: readonly Side<InputValueDefinitionNode>[],
  omissions: Omissions,
) {
  const textOf = ({ defaultValue }: InputValueDefinitionNode) =>
    defaultValue ? print(defaultValue) : "none";
  const defaults = sides.map(({ element }) => element.defaultValue);
  if (new Set(sides.map(({ element }) => textOf(element))).size === 1) return defaults[0];
  omissions.add(`the default of ${what}`, differs(sides, textOf));
  return type.kind === Kind.NON_NULL_TYPE ? defaults.find((value) => value !== undefined) : undefined;
}

function isOptional({ type, defaultValue }: InputValueDefinitionNode): boolean {
  return type.kind !== Kind.NON_NULL_TYPE || defaultValue !== undefined;
}
