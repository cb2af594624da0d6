/** The rules that a root field with @merge must keep so that its partitions' pages can be merged. */
import {
  type GraphQLField,
  type GraphQLObjectType,
  getNamedType,
  getNullableType,
  isObjectType,
} from "graphql";

/** The fields of a page that the gateway can merge, apart from the list of missing partitions. */
const PAGE_FIELDS: Readonly<Record<string, RegExp>> = {
  edges: /^\[\w+!?\]!?$/,
  pageInfo: /^\w+!?$/,
  totalCount: /^Int$/,
  complete: /^Boolean!?$/,
};
const REQUIRED_FIELDS = ["edges", "pageInfo", "complete"];
const MISSING_TYPE = /^\[(ID|String)!\]!?$/;
const PAGE_INFO_FIELDS: Readonly<Record<string, string>> = {
  hasNextPage: "Boolean!",
  hasPreviousPage: "Boolean!",
  startCursor: "String",
  endCursor: "String",
};

/**
 * The first rule that a field with @merge breaks, worded as the end of a sentence.
 * @param missing the directive's argument
 */
export function brokenPageRule(field: GraphQLField<unknown, unknown>, missing: string): string | undefined {
  const first = field.args.find(({ name }) => name === "first");
  const after = field.args.find(({ name }) => name === "after");
  if (String(first && getNullableType(first.type)) !== "Int" || !Number.isInteger(first?.defaultValue))
    return "so it must have an argument `first: Int` with a default";
  if (String(after?.type) !== "String") return "so it must have an argument `after: String`";
  // A non-null type is refused as well.
  if (!isObjectType(field.type)) return "so it must be a nullable connection";
  return brokenConnectionRule(field.type, missing);
}

function brokenConnectionRule(connection: GraphQLObjectType, missing: string): string | undefined {
  const fields = connection.getFields();
  for (const name of [...REQUIRED_FIELDS, missing]) {
    if (!fields[name]) return `so ${connection.name} must have a field "${name}"`;
  }
  for (const { name, type } of Object.values(fields)) {
    const expected = name === missing ? MISSING_TYPE : PAGE_FIELDS[name];
    if (!expected) return `but pages cannot be merged with the field ${connection.name}.${name}`;
    if (!expected.test(String(type))) return `but ${connection.name}.${name} cannot be ${String(type)}`;
  }
  const edge = getNamedType(fields.edges!.type);
  if (!isObjectType(edge) || String(edge.getFields().cursor?.type) !== "String!")
    return `so ${connection.name}.edges must be objects with a field "cursor: String!"`;
  return brokenPageInfoRule(connection, getNamedType(fields.pageInfo!.type));
}

function brokenPageInfoRule(connection: GraphQLObjectType, type: unknown): string | undefined {
  if (!isObjectType(type)) return `so ${connection.name}.pageInfo must be an object`;
  const fields = Object.values(type.getFields());
  for (const { name, type: fieldType } of fields) {
    if (PAGE_INFO_FIELDS[name] !== String(fieldType))
      return `but pages cannot be merged with ${type.name}.${name}: ${String(fieldType)}`;
  }
  if (fields.length < Object.keys(PAGE_INFO_FIELDS).length)
    return `so ${type.name} must have ${Object.keys(PAGE_INFO_FIELDS).join(", ")}`;
  return undefined;
}
