/** The resolvers of schema/catalog.graphql. */
import { Amount, DateTime } from "@teranga/kit/graphql/scalars.ts";
import type { Resolvers } from "@teranga/schema/generated/catalog.ts";
import type { CatalogContext } from "../context.ts";
import { mutation } from "./mutation.ts";
import { product } from "./product.ts";
import { query } from "./query.ts";

export const resolvers: Resolvers<CatalogContext> = {
  Amount,
  DateTime,
  Query: query,
  Mutation: mutation,
  Product: product,
};
