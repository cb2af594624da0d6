/** The resolvers of schema/catalog.graphql. */
import type { EveryField } from "@teranga/kit/graphql/every-field.ts";
import { Amount, DateTime } from "@teranga/kit/graphql/scalars.ts";
import type { Resolvers, ResolversParentTypes } from "@teranga/schema/generated/catalog.ts";
import type { CatalogContext } from "../context.ts";
import { catalogChange, conflict, fieldVersion } from "./conflict.ts";
import { mutation } from "./mutation.ts";
import { product } from "./product.ts";
import { query } from "./query.ts";
import { supplier } from "./supplier.ts";

const own = {
  Amount,
  DateTime,
  Query: query,
  Mutation: mutation,
  Product: product,
  Supplier: supplier,
  Conflict: conflict,
  FieldVersion: fieldVersion,
  CatalogChange: catalogChange,
} satisfies Resolvers<CatalogContext>;

export const resolvers: Resolvers<CatalogContext> = own satisfies EveryField<
  Resolvers,
  ResolversParentTypes,
  typeof own
>;
