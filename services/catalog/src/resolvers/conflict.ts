import type {
  CatalogChangeResolvers,
  ConflictResolvers,
  FieldVersionResolvers,
} from "@teranga/schema/generated/catalog.ts";
import type { CatalogContext } from "../context.ts";
import { asText, conflictId, fieldOf, reasonOf, versionId } from "../merge/conflict.ts";

export const conflict = {
  id: (parent) => conflictId(parent),
  product: ({ entity, id }, _args, { products }) => (entity === "Product" ? products.load(id) : null),
  supplier: ({ entity, id }, _args, { suppliers }) => (entity === "Supplier" ? suppliers.load(id) : null),
  field: ({ field }) => fieldOf(field),
  base: ({ base }) => asText(base),
  reason: (parent) => reasonOf(parent),
} satisfies ConflictResolvers<CatalogContext>;

export const fieldVersion = {
  id: (parent) => versionId(parent),
  value: ({ value }) => asText(value),
  at: ({ at }) => (at === null ? null : new Date(at)),
} satisfies FieldVersionResolvers<CatalogContext>;

/** Clients do not see under which keys others have asked. */
const UNTOLD = ["creation_key", "creation_hash", "key", "counted"];

export const catalogChange = {
  id: ({ node, sequence }) => `${node}:${sequence}`,
  fields: ({ patch }) =>
    Object.entries(patch)
      .filter(([column]) => !UNTOLD.includes(column))
      .map(([column, value]) => ({ field: fieldOf(column), value: asText(value) })),
  at: ({ writtenAt }) => writtenAt,
} satisfies CatalogChangeResolvers<CatalogContext>;
