/** The root fields: each is asked only of the city that owns what it names. */
import type { QueryResolvers } from "@teranga/schema/generated/city.ts";
import { getKeyedOrder } from "../sql/get-keyed-order.ts";
import { canBeId, mustOwn } from "./routing.ts";

export const queries: QueryResolvers = {
  client(_, { id }, { city, load }) {
    mustOwn(city, id);
    return canBeId(id) ? load.client.load(id) : null;
  },

  order(_, { id }, { city, load }) {
    mustOwn(city, id);
    return canBeId(id) ? load.order.load(id) : null;
  },

  async transaction(_, { id }, { city, load }) {
    mustOwn(city, id);
    return canBeId(id) && (await load.decision.load(id)) ? { id } : null;
  },

  city(_, { id }, { city }) {
    mustOwn(city, id);
    return { id: city.id };
  },

  cities: (_, _args, { city }) => [{ id: city.id }],

  keyedOrder(_, { clientId, idempotencyKey }, { city }) {
    mustOwn(city, clientId);
    return canBeId(clientId) && canBeId(idempotencyKey)
      ? getKeyedOrder(city.sql, clientId, idempotencyKey)
      : null;
  },
};
