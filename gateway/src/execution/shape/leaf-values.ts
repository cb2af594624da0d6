/** Scalars and enums on their way to a client. */
import { type GraphQLEnumType, type GraphQLLeafType, isEnumType } from "graphql";

/** A leaf's value for the client; undefined if it is none of the type. It is never given null. */
export type CompleteLeaf = (value: unknown) => unknown;

const INT_MAX = 2 ** 31 - 1;
const INT_MIN = -(2 ** 31);

const BUILT_IN: Readonly<Record<string, CompleteLeaf>> = {
  String: (value) => (typeof value === "string" ? value : undefined),
  Boolean: (value) => (typeof value === "boolean" ? value : undefined),
  // JSON has numbers that no Float holds: 1e999 is read as infinity.
  Float: (value) => (Number.isFinite(value) ? value : undefined),
  Int: (value) =>
    typeof value === "number" && Number.isInteger(value) && value >= INT_MIN && value <= INT_MAX
      ? value
      : undefined,
  // A service may keep its ids as numbers; to clients an ID is a string. Of a longer number the last digits
  // are lost: it is another's id.
  ID: (value) => {
    if (typeof value === "string") return value;
    return Number.isSafeInteger(value) ? String(value) : undefined;
  },
};

/** What a scalar of somebody's own comes as is that service's affair, but infinity would be told as null. */
const anything: CompleteLeaf = (value) =>
  typeof value === "number" && !Number.isFinite(value) ? undefined : value;

export function compileLeaf(type: GraphQLLeafType): CompleteLeaf {
  if (isEnumType(type)) return compileEnum(type);
  return BUILT_IN[type.name] ?? anything;
}

/** A value that clients may not see (`@inaccessible`) is not in the type that they see. */
function compileEnum(type: GraphQLEnumType): CompleteLeaf {
  const names = new Set<unknown>(type.getValues().map(({ name }) => name));
  return (value) => (names.has(value) ? value : undefined);
}
