/** The root fields. Each is asked only of the city that owns the id or town in its arguments. */

import { badInput } from "@teranga/kit/graphql/errors.ts";
import type { OrderFactsInput, QueryResolvers } from "@teranga/schema/generated/city.ts";
import { getKeyedTransaction } from "../sql/get-keyed-transaction.ts";
import { getOrderFacts } from "../sql/get-order-facts.ts";
import { topologyVerdict } from "../topology-verdict.ts";
import { pageOfClients } from "./client-list.ts";
import { canBeId, mustOwn } from "./routing.ts";

export const queries = {
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

  clients: (_, args, { city }) => pageOfClients(args, city),

  async orderFacts(_, { questions }, { city }) {
    if (questions.length > QUESTIONS_MAX) {
      throw badInput("questions", `may have ${QUESTIONS_MAX} entries at most`);
    }
    for (const { clientId } of questions) if (clientId != null) mustOwn(city, clientId);
    return getOrderFacts(city.sql, questions.map(askable));
  },

  topologyVerdict: (_, { partitions }, { city }) => topologyVerdict(partitions, city),

  keyedTransaction(_, { kind, clientId, idempotencyKey }, { city }) {
    if (clientId != null) mustOwn(city, clientId);
    return canBeId(clientId ?? "") && canBeId(idempotencyKey)
      ? getKeyedTransaction(city.sql, kind, clientId ?? null, idempotencyKey)
      : null;
  },
} satisfies QueryResolvers;

/** As many as the messages of a batch. */
const QUESTIONS_MAX = 1_000;

/**
 * Replaces an impossible id, which PostgreSQL could not even compare, by the
 * empty text, which is no row's id.
 */
function askable({ clientId, idempotencyKey, productIds }: OrderFactsInput) {
  const text = (id: string) => (canBeId(id) ? id : "");
  return {
    clientId: clientId == null ? null : text(clientId),
    idempotencyKey: idempotencyKey == null ? null : text(idempotencyKey),
    productIds: productIds.map(text),
  };
}
