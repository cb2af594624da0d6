/** Wallets, the entries of their ledger, and top-ups. */
import { randomUUID } from "node:crypto";
import { parsePage, toConnection } from "@teranga/kit/graphql/connection.ts";
import { parseInput } from "@teranga/kit/graphql/input.ts";
import { seeOutcome } from "@teranga/kit/graphql/mutation-outcome.ts";
import type { MutationResolvers, Resolvers } from "@teranga/schema/generated/city.ts";
import { getWalletEntry } from "../sql/get-wallet-entry.ts";
import { topUpWallet } from "../sql/top-up-wallet.ts";
import { topUpWalletInput } from "./input.ts";
import { mustOwn } from "./routing.ts";

/** In XOF. Refunds may exceed it, because they cannot be refused. */
const BALANCE_MAX = 1_000_000_000;

export const walletResolvers = {
  Wallet: {
    id: ({ clientId }) => clientId,
    // The first top-up creates the wallet. Before that, the wallet counts as empty.
    balance: async ({ clientId }, _, { load }) => (await load.wallet.load(clientId))?.balance ?? 0,
    currency: () => "XOF" as const,

    async entries({ clientId }, args, { load }) {
      const page = parsePage(args, "NEWEST", "bigint");
      const rows = await load.walletEntries(page).load(clientId);
      return toConnection(
        rows,
        page,
        ({ id }) => ({ id, key: Number(id) }),
        (row) => row,
        () => load.walletEntryCount().load(clientId),
      );
    },
  },
  WalletEntry: {
    transaction: ({ transactionId }) => (transactionId === null ? null : { id: transactionId }),
  },
} satisfies Resolvers;

export const walletMutations = {
  async topUpWallet(_, { input }, { city }) {
    const { idempotencyKey, ...topUp } = parseInput(topUpWalletInput, input, "input");
    const { clientId } = topUp;
    mustOwn(city, clientId);
    const key = idempotencyKey ?? (city.newId ?? randomUUID)();
    const answer = await topUpWallet(city.sql, { ...topUp, idempotencyKey: key }, BALANCE_MAX, city.clock);
    switch (answer.state) {
      case "ADDED": {
        const entry = await seeOutcome(() => getWalletEntry(city.sql, answer.entryId));
        return { __typename: "WalletToppedUp", wallet: { clientId }, entry };
      }
      case "KEY_REUSED": {
        const message = "The idempotency key stands for a top-up of another amount.";
        const entry = await seeOutcome(() => getWalletEntry(city.sql, answer.entryId));
        return { __typename: "TopUpKeyReused", message, entry };
      }
      case "LIMIT": {
        const message = "A wallet may hold 1,000,000,000 at most.";
        return { __typename: "WalletLimitExceeded", message, limit: BALANCE_MAX, balance: answer.balance };
      }
      case "UNKNOWN_CLIENT":
        return { __typename: "UnknownClient", message: "There is no client of this id.", clientId };
      default:
        return answer satisfies never;
    }
  },
} satisfies MutationResolvers;
