/** Clients, and the mutations that register and change them. */
import { toConnection } from "@teranga/kit/graphql/connection.ts";
import { parseInput } from "@teranga/kit/graphql/input.ts";
import { seeOutcome } from "@teranga/kit/graphql/mutation-outcome.ts";
import { classifyDatabaseError } from "@teranga/kit/postgres/database.ts";
import { digest } from "@teranga/kit/process/digest.ts";
import type { MutationResolvers, Resolvers } from "@teranga/schema/generated/city.ts";
import { getRegistration } from "../sql/get-registration.ts";
import { insertClient } from "../sql/insert-client.ts";
import { ORDER_ORDERINGS } from "../sql/list-orders.ts";
import { type ClientChange, updateClient } from "../sql/update-client.ts";
import { parseOrderList } from "./city.ts";
import { recommendedFirst, registerClientInput, updateClientInput } from "./input.ts";
import { orderPosition } from "./order.ts";
import { canBeId, mustOwn, notOwn } from "./routing.ts";

export const clientResolvers = {
  Client: {
    async __resolveReference({ id }, { city, load }) {
      mustOwn(city, id);
      return canBeId(id) ? load.client.load(id) : null;
    },
    city: (_client, _args, { city }) => ({ id: city.id }),
    wallet: ({ id }) => ({ clientId: id }),

    async orders({ id }, args, { load }) {
      const order = args.orderBy ?? "PLACED_AT_DESC";
      const { page, filter } = parseOrderList(args, order);
      const rows = await load.orders(filter, ORDER_ORDERINGS[order], page).load(id);
      return toConnection(
        rows,
        page,
        orderPosition(order),
        (row) => row,
        () => load.orderCount(filter).load(id),
      );
    },

    async recommendedProducts({ id }, args, { load }) {
      const first = parseInput(recommendedFirst, args.first ?? 5, "first");
      // Twice as many as the client asked for: some may be off sale, which only the catalog knows.
      const candidates = await load.recommendations(first * 2).load(id);
      const sold = await Promise.all(candidates.map(({ productId }) => load.sold.load(productId)));
      return candidates
        .filter((_, index) => sold[index])
        .slice(0, first)
        .map(({ productId }) => ({ id: productId }));
    },
  },
} satisfies Resolvers;

const emailTaken = (email: string) => ({
  __typename: "EmailTaken" as const,
  message: "Another client of this city has this e-mail address.",
  email,
});

export const clientMutations = {
  async registerClient(_, { input }, { city }) {
    const { idempotencyKey: key, ...client } = parseInput(registerClientInput, input, "input");
    mustOwn(city, client.town);
    const { name, email, phone, town } = client;
    const registration = key === null ? null : { key, hash: digest([name, email, phone, town]) };
    try {
      const registered = await insertClient(city.sql, city.id, client, registration);
      return { __typename: "ClientRegistered", client: registered };
    } catch (error) {
      if (isOfAnotherTown(error)) throw notOwn(city);
      if (!isEmailTaken(error) && !breaks(error, "client_of_key")) throw error;
      const earlier = registration && (await seeOutcome(() => getRegistration(city.sql, registration.key)));
      if (!earlier) return emailTaken(email);
      if (earlier.hash === registration.hash) return { __typename: "ClientRegistered", client: earlier };
      const message = "The idempotency key stands for another registration.";
      return { __typename: "RegistrationKeyReused", message, client: earlier };
    }
  },

  async updateClient(_, { input }, { city }) {
    const { id, ...fields } = parseInput(updateClientInput, input, "input");
    mustOwn(city, id);
    // A field that the client left out is undefined here. It stays as it is.
    const change = Object.fromEntries(
      Object.entries(fields).filter(([, value]) => value !== undefined),
    ) as ClientChange;
    if (change.town !== undefined) {
      const owner = city.placement.partitionOf(change.town);
      if (owner !== city.id) {
        const message = `${change.town} is served by ${owner}; a client's city cannot change.`;
        return { __typename: "TownOfAnotherCity", message, town: change.town, city: { id: owner } };
      }
    }
    try {
      const client = await updateClient(city.sql, id, change);
      if (client) return { __typename: "ClientUpdated", client };
      return { __typename: "UnknownClient", message: "There is no client of this id.", clientId: id };
    } catch (error) {
      if (isEmailTaken(error)) return emailTaken(change.email!);
      if (isOfAnotherTown(error)) throw notOwn(city);
      throw error;
    }
  },
} satisfies MutationResolvers;

/** The topology has changed since the request was routed. */
const isOfAnotherTown = (error: unknown) => breaks(error, "client_town_of_city");
const isEmailTaken = (error: unknown) => breaks(error, "client_email");

function breaks(error: unknown, constraint: string): boolean {
  const failure = classifyDatabaseError(error);
  return failure.kind === "constraint" && failure.constraint === constraint;
}
