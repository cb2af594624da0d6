import { parsePage, parsePageSize, type SortKeyType, toConnection } from "@teranga/kit/graphql/connection.ts";
import { parseInput } from "@teranga/kit/graphql/input.ts";
import type { Ordering } from "@teranga/kit/postgres/keyset.ts";
import type { ProductOrder, QueryResolvers } from "@teranga/schema/generated/catalog.ts";
import type { CatalogContext } from "../context.ts";
import { productFilter } from "../input.ts";
import { countProducts } from "../sql/count-products.ts";
import { listConflicts } from "../sql/list-conflicts.ts";
import { listProducts } from "../sql/list-products.ts";
import { nodesQuery } from "./nodes.ts";

const ORDERINGS: Record<ProductOrder, Ordering & { keyType: SortKeyType }> = {
  ID_ASC: { column: "id_length", idColumn: "id", direction: "asc", keyType: "bigint" },
  NAME_ASC: { column: "name_key", idColumn: "id", direction: "asc", keyType: "text" },
  NAME_DESC: { column: "name_key", idColumn: "id", direction: "desc", keyType: "text" },
  PRICE_ASC: { column: "price", idColumn: "id", direction: "asc", keyType: "bigint" },
  PRICE_DESC: { column: "price", idColumn: "id", direction: "desc", keyType: "bigint" },
  CREATED_AT_DESC: { column: "created_at", idColumn: "id", direction: "desc", keyType: "time" },
};

export const query = {
  ...nodesQuery,

  catalogReplication: (_parent, _args, { replication }) => replication(),

  product(_parent, { id }, { products, cacheTags }) {
    // Any text can be asked for, and a header takes few. A change of any product has the tag `Product`.
    cacheTags.add(/^[\w-]{1,100}$/.test(id) ? `Product:${id}` : "Product");
    return products.load(id);
  },

  supplier: (_parent, { id }, { suppliers }) => suppliers.load(id),

  conflicts: (_parent, { status, first }, { sql }) =>
    listConflicts(sql, status ?? null, parsePageSize(first)),

  async products(_parent, args, { sql, cacheTags }) {
    cacheTags.add("Product");
    const filter = parseInput(productFilter, args.filter ?? {}, "filter");
    const order = args.orderBy ?? "ID_ASC";
    const ordering = ORDERINGS[order];
    const page = parsePage(args, order, ordering.keyType);
    const listed = await listProducts(sql, filter, ordering, page);
    return toConnection(
      listed,
      page,
      ({ product, sortKey }) => ({ key: sortKey, id: product.id }),
      ({ product }) => product,
      () => countProducts(sql, filter),
    );
  },
} satisfies QueryResolvers<CatalogContext>;
