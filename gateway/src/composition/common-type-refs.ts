/** Finds the type that fits one field or argument in several schemas. */
import { Kind, type ListTypeNode, type NamedTypeNode, type TypeNode } from "graphql";

/**
 * Nullable where one of them is nullable. Undefined if they name different types or nest lists differently.
 */
export function commonOutputType(types: readonly TypeNode[]): TypeNode | undefined {
  return commonTypeRef(types, (required) => required.every(Boolean));
}

/**
 * Required where one of them is required. Undefined if they name different types or nest lists differently.
 */
export function commonInputType(types: readonly TypeNode[]): TypeNode | undefined {
  return commonTypeRef(types, (required) => required.some(Boolean));
}

function commonTypeRef(
  types: readonly TypeNode[],
  isRequired: (required: readonly boolean[]) => boolean,
): TypeNode | undefined {
  const bare = types.map((type) => (type.kind === Kind.NON_NULL_TYPE ? type.type : type));
  const inner = commonBareType(bare, isRequired);
  if (!inner) return undefined;
  return isRequired(types.map(({ kind }) => kind === Kind.NON_NULL_TYPE))
    ? { kind: Kind.NON_NULL_TYPE, type: inner }
    : inner;
}

function commonBareType(
  types: readonly (NamedTypeNode | ListTypeNode)[],
  isRequired: (required: readonly boolean[]) => boolean,
): NamedTypeNode | ListTypeNode | undefined {
  const lists = types.filter((type) => type.kind === Kind.LIST_TYPE);
  if (lists.length === 0) {
    const names = types as readonly NamedTypeNode[];
    return names.every(({ name }) => name.value === names[0]!.name.value) ? names[0] : undefined;
  }
  if (lists.length < types.length) return undefined;
  const element = commonTypeRef(
    lists.map(({ type }) => type),
    isRequired,
  );
  return element && { kind: Kind.LIST_TYPE, type: element };
}
