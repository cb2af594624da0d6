/** Turns scalars and enum values into what clients get. */
import { type GraphQLEnumType, type GraphQLLeafType, isEnumType } from "graphql";

/** The client's form of a leaf value; undefined if the value is not of the type. Never called with null. */
export type CompleteLeaf = (value: unknown) => unknown;

const INT_MAX = 2 ** 31 - 1;
const INT_MIN = -(2 ** 31);

const BUILT_IN: Readonly<Record<string, CompleteLeaf>> = {
  String: (value) => (typeof value === "string" ? value : undefined),
  Boolean: (value) => (typeof value === "boolean" ? value : undefined),
  // JSON allows numbers that no Float holds: 1e999 is parsed as Infinity.
  Float: (value) => (Number.isFinite(value) ? value : undefined),
  Int: (value) =>
    typeof value === "number" && Number.isInteger(value) && value >= INT_MIN && value <= INT_MAX
      ? value
      : undefined,
  // A service may keep its ids as numbers, but to clients an ID is a string. A number beyond the safe
  // integers has lost its last digits, so it may be another object's id.
  ID: (value) => {
    if (typeof value === "string") return value;
    return Number.isSafeInteger(value) ? String(value) : undefined;
  },
};

/**
 * A custom scalar may have any value that its service sends, except Infinity, which JSON would write as null.
 */
const anything: CompleteLeaf = (value) =>
  typeof value === "number" && !Number.isFinite(value) ? undefined : value;

export function compileLeaf(type: GraphQLLeafType): CompleteLeaf {
  if (isEnumType(type)) return compileEnum(type);
  return BUILT_IN[type.name] ?? anything;
}

/** Values that clients may not see (`@inaccessible`) are missing from the type that they see. */
function compileEnum(type: GraphQLEnumType): CompleteLeaf {
  const names = new Set<unknown>(type.getValues().map(({ name }) => name));
  return (value) => (names.has(value) ? value : undefined);
}
