/**
 * A graph of four subgraphs, and the same as one schema that holds everything. Every text of an answer names
 * the field that it comes from, so that one that leaks can be told.
 */
import { startGraph } from "@teranga/gateway/fixture/engine.ts";
import {
  buildSchema,
  type FieldNode,
  type GraphQLFieldResolver,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isAbstractType,
  isEnumType,
  isListType,
  isObjectType,
  type ObjectTypeDefinitionNode,
  parse,
  printSchema,
} from "graphql";
import { type Placement, withPlacements } from "./placements.ts";

/** A use of each directive, so that the composition links and defines them. */
const USED = `used1: Int @authenticated used2: Int @requiresScopes(scopes: [["none"]]) used3: Int @policy(policies: [["none"]])`;

const PEOPLE = `
  type Query { person: Person people: [Person!]! node: Node nodes: [Node!] anything: [Any!]! tool: Tool! box: Box name: String ${USED} }
  type Mutation { rename(name: String): Person must: Tool! count: String }
  interface Node @key(fields: "id") { id: ID! name: String twin: Node }
  union Any = Person | Tool | Card
  type Person implements Node @key(fields: "id") {
    id: ID! name: String twin: Node email: String grade: Grade secret: Secret friend: Person friends: [Person!] card: Card! code: String! any: Any }
  type Tool implements Node @key(fields: "id") { id: ID! name: String twin: Node price: String grade: Grade owner: Person }
  type Card { number: String kind: String! owner: Person }
  type Box { inner: Box size: String tools: [Tool] }
  enum Grade { GOLD }
  scalar Secret`;
const LETTERS = `
  type Person @key(fields: "id") {
    id: ID! email: String @external card: Card! @external
    greeting: String @requires(fields: "email") opening: String @requires(fields: "card { number }") age: String! }
  type Card { number: String @external }`;
const SHELVES = `type Node @key(fields: "id") @interfaceObject { id: ID! shelf: String row: String! }`;
const CLOSINGS = `
  type Person @key(fields: "id") { id: ID! greeting: String @external closing: String @requires(fields: "greeting") }`;

/** What a field @requires: `type.field` by `type.field`. */
export const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  "Person.greeting": ["Person.email"],
  "Person.opening": ["Person.card", "Card.number"],
  "Person.closing": ["Person.greeting"],
};
/** The fields that the interface object resolves. */
const BY_INTERFACE = new Set(["shelf", "row"]);

interface Row {
  __typename: string;
  id: string;
}

/** The text that a leaf has, wherever it is resolved. */
const textOf = (type: string, field: string, id: string) =>
  `<${BY_INTERFACE.has(field) ? "Node" : type}.${field} of ${id}>`;

const DEPTH_ID_LENGTH_MAX = 8;

/** Every field by the same rule: objects are made of the name of the field. */
const resolve: GraphQLFieldResolver<Row | undefined, unknown> = (row, _, __, info) => {
  const { parentType, fieldName: field, returnType, schema } = info;
  const id = row?.id ?? "0";
  const type = getNullableType(returnType);
  const named = getNamedType(type);
  if (field === "id") return id;
  if (isEnumType(named)) return named.getValues()[0]!.name;
  const own = `${id}${field[0]}`.slice(-DEPTH_ID_LENGTH_MAX);
  const objectOf = (end: string): Row | null => {
    const names = isAbstractType(named)
      ? schema
          .getPossibleTypes(named)
          .map(({ name }) => name)
          .sort()
      : [named.name];
    const at = [...`${own}${end}`].reduce((sum, letter) => sum + letter.charCodeAt(0), 0);
    return { __typename: names[at % names.length]!, id: own + end };
  };
  if (!isObjectType(named) && !isAbstractType(named)) return textOf(parentType.name, field, id);
  return isListType(type) ? [objectOf("a"), objectOf("b")] : objectOf("");
};

function resolversOf(sdl: string) {
  const types = parse(sdl).definitions.filter((node) => node.kind === "ObjectTypeDefinition");
  const own = (node: ObjectTypeDefinitionNode) => ({
    __resolveReference: (row: Row) => row,
    ...Object.fromEntries((node.fields ?? []).map(({ name }) => [name.value, resolve])),
  });
  return Object.fromEntries(types.map((node) => [node.name.value, own(node)]));
}

/** The graph with directives at these places. */
export function openWorld(placements: readonly Placement[]) {
  const fixture = (sdl: string) => ({ sdl, resolvers: resolversOf(sdl) });
  return startGraph(
    {
      people: fixture(PEOPLE),
      letters: fixture(LETTERS),
      shelves: fixture(SHELVES),
      closings: fixture(CLOSINGS),
    },
    { edit: (sdl) => withPlacements(sdl, placements) },
  );
}

/**
 * The same as one schema: that which clients see, over the same rows. Its context is the set of the nodes
 * that are refused.
 */
export function asMonolith(apiSchema: GraphQLSchema): GraphQLSchema {
  const schema = buildSchema(printSchema(apiSchema));
  const refusing: typeof resolve = (row, args, refused, info) => {
    if (info.fieldNodes.some((node) => (refused as ReadonlySet<FieldNode>).has(node)))
      throw new Error("refused");
    return resolve(row, args, refused, info);
  };
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith("__")) continue;
    for (const field of Object.values(type.getFields())) field.resolve = refusing as never;
  }
  return schema;
}
