/** Stock levels with their movements, and restocking. */
import { parsePage, toConnection } from "@teranga/kit/graphql/connection.ts";
import { badInput, codedError } from "@teranga/kit/graphql/errors.ts";
import { parseInput } from "@teranga/kit/graphql/input.ts";
import { seeOutcome } from "@teranga/kit/graphql/mutation-outcome.ts";
import type { ProductQuantity } from "@teranga/protocol/messages.ts";
import type { MutationResolvers, Resolvers } from "@teranga/schema/generated/city.ts";
import type { CityContext } from "../context.ts";
import { restock } from "../sql/restock.ts";
import { warehouseOf } from "../warehouse.ts";
import { restockInput } from "./input.ts";
import { canBeId, mustBe } from "./routing.ts";

export const stockResolvers = {
  StockLevel: {
    async __resolveReference(reference, { city, load }) {
      const { city: owner, product } = reference as unknown as {
        city: { id: string };
        product: { id: string };
      };
      mustBe(city, owner.id);
      return canBeId(product.id) ? load.stock.load(product.id) : null;
    },
    city: (_level, _args, { city }) => ({ id: city.id }),
    product: ({ productId }) => ({ id: productId }),

    async movements({ productId }, args, { load }) {
      const page = parsePage(args, "NEWEST", "bigint");
      const rows = await load.movements(page).load(productId);
      return toConnection(
        rows,
        page,
        ({ id }) => ({ id, key: Number(id) }),
        (row) => row,
        () => load.movementCount().load(productId),
      );
    },
  },
  StockMovement: {
    transaction: ({ transactionId }) => (transactionId === null ? null : { id: transactionId }),
  },
} satisfies Resolvers;

export const stockMutations = {
  async restock(_, { input }, context) {
    const { cityId, productId, quantity, idempotencyKey } = parseInput(restockInput, input, "input");
    const { city } = context;
    if (cityId !== city.id) throw unknownCity(cityId);
    if (!(await isKnown(productId, context))) {
      return { __typename: "UnknownProduct", message: "There is no product of this id.", productId };
    }
    const warehouse = warehouseOf(city.id, city.placement);
    const delivery = { productId, quantity, idempotencyKey };
    const answer = await restock(city.sql, delivery, warehouse, city.clock);
    switch (answer.state) {
      case "ADDED":
        return { __typename: "Restocked", stock: answer.stock };
      case "USED":
        return seeOutcome(() => restockedBefore(delivery, answer.earlier, context));
      case "FULL":
        throw badInput("input.quantity", "is more than the warehouse has room for");
      default:
        return answer satisfies never;
    }
  },
} satisfies MutationResolvers;

/** A repeated delivery gets the same answer. Another delivery must not use its key. */
async function restockedBefore(wanted: ProductQuantity, earlier: ProductQuantity, { load }: CityContext) {
  if (wanted.productId === earlier.productId && wanted.quantity === earlier.quantity) {
    // The loader may have read the level before the first call ended.
    const stock = await load.stock.clear(wanted.productId).load(wanted.productId);
    return { __typename: "Restocked" as const, stock };
  }
  const message = "The idempotency key stands for another delivery.";
  const { productId, quantity } = earlier;
  return { __typename: "RestockKeyReused" as const, message, product: { id: productId }, quantity };
}

/**
 * This field takes only a city's id. A town, or a typing error, must not fill the warehouse of the city that
 * happens to serve it.
 */
function unknownCity(cityId: string) {
  const city = cityId.slice(0, 40);
  return codedError("UNKNOWN_CITY", `There is no city "${city}".`, { city });
}

/** A product that was in stock before exists. The catalog is asked only about a new one. */
async function isKnown(productId: string, { city, load }: CityContext): Promise<boolean> {
  const level = await load.stock.load(productId);
  return level.warehouse !== null || city.catalog.hasProduct(productId);
}
