import type { Queryable } from "@teranga/kit/database.ts";
import { normalise } from "@teranga/kit/partition.ts";
import type { ProductFilter } from "../input.ts";

/** The condition of a filter, for a `where`. */
export function productCondition(
  sql: Queryable,
  { search, priceMin, priceMax, discontinued }: ProductFilter,
) {
  const words = normalise(search ?? "")
    .split("-")
    .filter(Boolean);
  return sql`
    ${words.length === 0 ? sql`true` : sql`not exists (select from unnest(${words}::text[]) word where strpos(search_key, word) = 0)`}
    and ${priceMin == null ? sql`true` : sql`price >= ${priceMin}`}
    and ${priceMax == null ? sql`true` : sql`price <= ${priceMax}`}
    and ${discontinued == null ? sql`true` : sql`discontinued = ${discontinued}`}`;
}
