import { parsePageSize } from "@teranga/kit/graphql/connection.ts";
import type { SupplierResolvers } from "@teranga/schema/generated/catalog.ts";
import type { CatalogContext } from "../context.ts";

export const supplier = {
  history: ({ id }, { first }, { history }) => history("Supplier", parsePageSize(first)).load(id),
  historyIsWhole: async ({ id }, _args, { compacted }) => (await compacted("Supplier").load(id)) === null,
  conflicts: ({ id }, _args, { conflicts }) => conflicts("Supplier").load(id),
} satisfies SupplierResolvers<CatalogContext>;
