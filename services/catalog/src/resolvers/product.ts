import { parsePageSize } from "@teranga/kit/graphql/connection.ts";
import { badInput, codedError } from "@teranga/kit/graphql/errors.ts";
import type { Availability, ProductResolvers } from "@teranga/schema/generated/catalog.ts";
import type { CatalogContext } from "../context.ts";
import { type ProductNode, quoteId, type ReportedLevel } from "../product.ts";

/** A longer list of cities is refused. */
const CITIES_MAX = 100;
/**
 * The largest GraphQL Int. Reached only if cities store the most that they may,
 * a thousand million pieces each.
 */
const INT_MAX = 2 ** 31 - 1;

export const product = {
  async __resolveReference(reference, { products }) {
    const found = await products.load(reference.id);
    if (!found) return null;
    return "stockEverywhere" in reference ? { ...found, reported: reference.stockEverywhere } : found;
  },

  currency: () => "XOF",

  supplier: ({ supplierId }, _args, { suppliers }) =>
    supplierId === null ? null : suppliers.load(supplierId),

  history: ({ id }, { first }, { history }) => history("Product", parsePageSize(first)).load(id),

  historyIsWhole: async ({ id }, _args, { compacted }) => (await compacted("Product").load(id)) === null,
  conflicts: ({ id }, _args, { conflicts }) => conflicts("Product").load(id),

  stock: (parent, { cities }, context) =>
    selectCities(cities, context.cities).map((id) => ({ city: { id }, product: parent })),

  stockEverywhere: (parent, _args, { cities }) => cities.map((id) => ({ city: { id }, product: parent })),

  availability: ({ reported }, _args, { cities }) => sumUp(reported ?? [], cities),
} satisfies ProductResolvers<CatalogContext, ProductNode>;

/** The cities that a client asks for, each once, in the topology's order. */
function selectCities(
  asked: readonly string[] | null | undefined,
  known: readonly string[],
): readonly string[] {
  if (asked == null) return known;
  if (asked.length > CITIES_MAX) throw badInput("cities", `must have at most ${CITIES_MAX} entries`);
  const unknown = asked.find((id) => !known.includes(id));
  if (unknown !== undefined) {
    const city = quoteId(unknown);
    throw codedError("UNKNOWN_CITY", `There is no city "${city}".`, { city });
  }
  return known.filter((id) => asked.includes(id));
}

/**
 * Adds up the cities' reports.
 * @param reported one element a city, in the topology's order. Another number of elements means that the
 * topology has changed since the list was made. Then no element can be matched to its city, so none counts.
 */
export function sumUp(reported: readonly ReportedLevel[], cities: readonly string[]): Availability {
  const known = reported.length === cities.length ? reported : [];
  const levels = cities.map((city, index) => ({ city, available: known[index]?.available ?? null }));
  const missing = levels.filter(({ available }) => available === null);
  const total = levels.reduce((sum, { available }) => sum + (available ?? 0), 0);
  return {
    total: Math.min(total, INT_MAX),
    complete: missing.length === 0,
    missingCities: missing.map(({ city }) => city),
  };
}
