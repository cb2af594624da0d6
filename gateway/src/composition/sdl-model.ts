/**
 * A subgraph's SDL by name, with extensions merged in: the form in which several SDLs can be compared and cut
 * down.
 */
import {
  type ConstDirectiveNode,
  type DefinitionNode,
  type DirectiveDefinitionNode,
  type EnumValueDefinitionNode,
  type FieldDefinitionNode,
  type InputValueDefinitionNode,
  Kind,
  type NamedTypeNode,
  parse,
  print,
  type SchemaDefinitionNode,
  type SchemaExtensionNode,
  type StringValueNode,
  type TypeDefinitionNode,
  type TypeExtensionNode,
  type TypeNode,
} from "graphql";

export type TypeCategory = "scalar" | "object" | "interface" | "union" | "enum" | "input";

export interface FieldModel {
  name: string;
  description: StringValueNode | undefined;
  args: Map<string, InputValueDefinitionNode>;
  type: TypeNode;
  directives: readonly ConstDirectiveNode[];
}

/** A type of any category. Members that the category does not have are empty. */
export interface TypeModel {
  name: string;
  category: TypeCategory;
  /** Whether the SDL only extends the type. */
  isExtension: boolean;
  description: StringValueNode | undefined;
  directives: readonly ConstDirectiveNode[];
  interfaces: readonly string[];
  /** Of objects and interfaces. */
  fields: Map<string, FieldModel>;
  /** Of input objects. */
  inputs: Map<string, InputValueDefinitionNode>;
  /** Of unions. */
  members: readonly string[];
  /** Of enums. */
  values: Map<string, EnumValueDefinitionNode>;
}

export interface SdlModel {
  schemas: readonly (SchemaDefinitionNode | SchemaExtensionNode)[];
  directives: Map<string, DirectiveDefinitionNode>;
  types: Map<string, TypeModel>;
}

const CATEGORIES: Record<(TypeDefinitionNode | TypeExtensionNode)["kind"], TypeCategory> = {
  [Kind.SCALAR_TYPE_DEFINITION]: "scalar",
  [Kind.SCALAR_TYPE_EXTENSION]: "scalar",
  [Kind.OBJECT_TYPE_DEFINITION]: "object",
  [Kind.OBJECT_TYPE_EXTENSION]: "object",
  [Kind.INTERFACE_TYPE_DEFINITION]: "interface",
  [Kind.INTERFACE_TYPE_EXTENSION]: "interface",
  [Kind.UNION_TYPE_DEFINITION]: "union",
  [Kind.UNION_TYPE_EXTENSION]: "union",
  [Kind.ENUM_TYPE_DEFINITION]: "enum",
  [Kind.ENUM_TYPE_EXTENSION]: "enum",
  [Kind.INPUT_OBJECT_TYPE_DEFINITION]: "input",
  [Kind.INPUT_OBJECT_TYPE_EXTENSION]: "input",
};

/** @throws GraphQLError if the text is not a type system document */
export function readSdl(sdl: string): SdlModel {
  const types = new Map<string, TypeModel>();
  const directives = new Map<string, DirectiveDefinitionNode>();
  const schemas: (SchemaDefinitionNode | SchemaExtensionNode)[] = [];
  for (const definition of parse(sdl, { noLocation: true }).definitions) {
    if (isType(definition)) addType(types, definition);
    else if (definition.kind === Kind.DIRECTIVE_DEFINITION) directives.set(definition.name.value, definition);
    else if (definition.kind === Kind.SCHEMA_DEFINITION || definition.kind === Kind.SCHEMA_EXTENSION)
      schemas.push(definition);
  }
  return { schemas, directives, types };
}

function isType(definition: DefinitionNode): definition is TypeDefinitionNode | TypeExtensionNode {
  return definition.kind in CATEGORIES;
}

function addType(types: Map<string, TypeModel>, node: TypeDefinitionNode | TypeExtensionNode): void {
  const name = node.name.value;
  const isExtension = node.kind.endsWith("Extension");
  const category = CATEGORIES[node.kind];
  const before = types.get(name);
  const nodeFields = "fields" in node ? (node.fields ?? []) : [];
  types.set(name, {
    name,
    category,
    isExtension: isExtension && before?.isExtension !== false,
    description: ("description" in node ? node.description : undefined) ?? before?.description,
    directives: [...(before?.directives ?? []), ...(node.directives ?? [])],
    interfaces: [...(before?.interfaces ?? []), ...("interfaces" in node ? namesOf(node.interfaces) : [])],
    fields: joined(before?.fields, category === "input" ? [] : fieldModels(nodeFields)),
    inputs: joined(
      before?.inputs,
      category === "input" ? byName(nodeFields as InputValueDefinitionNode[]) : [],
    ),
    members: [...(before?.members ?? []), ...("types" in node ? namesOf(node.types) : [])],
    values: joined(before?.values, "values" in node ? byName(node.values) : []),
  });
}

function joined<Value>(
  before: Iterable<[string, Value]> | undefined,
  more: Iterable<[string, Value]>,
): Map<string, Value> {
  return new Map([...(before ?? []), ...more]);
}

function fieldModels(
  fields: readonly (FieldDefinitionNode | InputValueDefinitionNode)[],
): [string, FieldModel][] {
  return (fields as readonly FieldDefinitionNode[]).map(
    ({ name, description, arguments: args, type, directives = [] }) => [
      name.value,
      { name: name.value, description, args: new Map(byName(args)), type, directives },
    ],
  );
}

function byName<Node extends { name: { value: string } }>(nodes: readonly Node[] = []): [string, Node][] {
  return nodes.map((node) => [node.name.value, node]);
}

function namesOf(nodes: readonly NamedTypeNode[] = []): string[] {
  return nodes.map(({ name }) => name.value);
}

/** The innermost type name: `Client` of `[Client!]!`. */
export function namedTypeOf(type: TypeNode): string {
  return type.kind === Kind.NAMED_TYPE ? type.name.value : namedTypeOf(type.type);
}

/** The SDL of a model, in the layout of graphql-js. */
export function printModel({ schemas, directives, types }: SdlModel): string {
  const definitions = [...schemas, ...directives.values(), ...Array.from(types.values(), typeNode)];
  return `${definitions.map(print).join("\n\n")}\n`;
}

function typeNode(type: TypeModel): DefinitionNode {
  const { name, category, isExtension, description, directives, interfaces } = type;
  const kind = Object.entries(CATEGORIES).find(
    ([kind, of]) => of === category && kind.endsWith("Extension") === isExtension,
  )![0];
  return {
    kind,
    name: { kind: Kind.NAME, value: name },
    ...(!isExtension && { description }),
    directives,
    ...(interfaces.length > 0 && { interfaces: interfaces.map(namedType) }),
    ...(category === "union" && { types: type.members.map(namedType) }),
    ...(category === "enum" && { values: [...type.values.values()] }),
    ...(category === "input" && { fields: [...type.inputs.values()] }),
    ...(type.fields.size > 0 && { fields: Array.from(type.fields.values(), fieldNode) }),
  } as unknown as DefinitionNode;
}

function fieldNode({ name, description, args, type, directives }: FieldModel): FieldDefinitionNode {
  return {
    kind: Kind.FIELD_DEFINITION,
    name: { kind: Kind.NAME, value: name },
    ...(description && { description }),
    arguments: [...args.values()],
    type,
    directives,
  };
}

function namedType(name: string): NamedTypeNode {
  return { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: name } };
}
