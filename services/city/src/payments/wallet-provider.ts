/**
 * The wallet as a payment provider. The commit point uses the wallet in a collapsed form (decision 010). This
 * is the full form, for a wallet in another database than the order. The contract suite tests it.
 */
import type { Sql } from "@teranga/kit/postgres/database.ts";
import type { CityClock } from "@teranga/protocol/city/city-clock.ts";
import {
  authoriseFromWallet,
  captureFromWallet,
  refundToWallet,
  voidInWallet,
} from "../sql/wallet-payments.ts";
import type { PaymentProvider } from "./payment-provider.ts";

export function createWalletProvider(sql: Sql, clock: CityClock): PaymentProvider {
  return {
    method: "WALLET",
    authorise: (request) => authoriseFromWallet(sql, request),
    capture: (transactionId) => captureFromWallet(sql, transactionId, clock),
    void: (transactionId) => voidInWallet(sql, transactionId),
    refund: (transactionId) => refundToWallet(sql, transactionId, clock),
  };
}
