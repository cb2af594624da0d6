/**
 * Whose which row of a city is: what the policies "own client" and "own city" of schema/city.graphql mean
 * here. kit/src/identity/guard.ts asks it before a row is shown or changed.
 */
import type { Guard } from "@teranga/kit/identity/guard.ts";
import type { CityContext } from "./context.ts";
import type { CityStub, ClientPage, ClientRow, OrderRow, TransactionStub, WalletStub } from "./model.ts";

/** What no client owns. */
const ofCity = (_row: unknown, { city }: CityContext) => ({ cityIds: [city.id] });
const ofClient = (clientId: string, { city }: CityContext) => ({ clientId, cityIds: [city.id] });

/** A transaction is seen in all cities that take part, and by the client whose order it places or cancels. */
async function ofTransaction({ id }: TransactionStub, { city, load }: CityContext) {
  const [participants, order] = await Promise.all([
    load.participants.load(id),
    load.orderOfTransaction.load(id),
  ]);
  return { clientId: order?.clientId, cityIds: [city.id, ...participants.map(({ cityId }) => cityId)] };
}

const noClients = (): ClientPage => ({
  edges: [],
  pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
  totalCount: async () => 0,
});

const unknownClient = (clientId: string) => ({
  __typename: "UnknownClient",
  message: "There is no client of this id.",
  clientId,
});

export const ownership: Guard<CityContext> = {
  rows: {
    City: ({ id }: CityStub) => ({ cityIds: [id] }),
    Client: ({ id }: ClientRow, context) => ofClient(id, context),
    Wallet: ({ clientId }: WalletStub, context) => ofClient(clientId, context),
    Order: ({ clientId }: OrderRow, context) => ofClient(clientId, context),
    Transaction: ofTransaction,
    StockLevel: ofCity,
    CityTransaction: ofCity,
    CityHealth: "within",
    ClientConnection: "within",
    ClientEdge: "within",
    ClientRegistered: "within",
    ClientUpdated: "within",
    CityTransactionConnection: "within",
    CityTransactionEdge: "within",
    GlobalClientConnection: "within",
    OrderAllocation: "within",
    OrderConnection: "within",
    OrderEdge: "within",
    OrderLine: "within",
    Payment: "within",
    StockMovement: "within",
    StockMovementConnection: "within",
    StockMovementEdge: "within",
    StockTransfer: "within",
    TransactionLine: "within",
    TransactionParticipant: "within",
    WalletEntry: "within",
    WalletEntryConnection: "within",
    WalletEntryEdge: "within",
    WalletToppedUp: "within",
  },
  calls: {
    "Query.client": { row: ({ id }, context) => ofClient(id, context), unknown: () => null },
    "Query.order": "result",
    "Query.transaction": "result",
    "Query.clients": { row: ofCity, unknown: noClients },
    "Mutation.registerClient": { row: ofCity },
    "Mutation.updateClient": {
      row: ({ input }, context) => ofClient(input.id, context),
      unknown: ({ input }) => unknownClient(input.id),
    },
    "Mutation.restock": { row: ofCity },
    "Mutation.topUpWallet": {
      row: ({ input }, context) => ofClient(input.clientId, context),
      unknown: ({ input }) => unknownClient(input.clientId),
    },
  },
};
