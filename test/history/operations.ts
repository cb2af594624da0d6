/** The recorded history of a run as the clients saw it: their requests and answers. */

/** A client's request. All but the reads carry a key, so that they can be sent again. */
export type ShopRequest =
  | {
      kind: "place";
      clientId: string;
      lines: { productId: string; quantity: number }[];
      payment: "WALLET" | "CASH_ON_DELIVERY";
      key: string;
    }
  | { kind: "cancel"; orderId: string; key: string }
  | { kind: "transfer"; productId: string; from: string; to: string; quantity: number; key: string }
  | { kind: "topUp"; clientId: string; amount: number; key: string }
  | { kind: "restock"; cityId: string; productId: string; quantity: number; key: string }
  | { kind: "readWallet"; clientId: string }
  | { kind: "readLevel"; cityId: string; productId: string }
  | { kind: "readOrder"; orderId: string };

/** What the client knows at the end of its operation. */
export type ShopAnswer =
  /** It has happened. `id` is that of the transaction, or of a top-up's wallet entry; null for a restock. */
  | { kind: "happened"; id: string | null }
  /** It has not happened. `why` is the reason: `OutOfStock`, … */
  | { kind: "refused"; why: string }
  /** It may have happened. `why` is `OutcomeUnknown`, an error code, or how the connection failed. */
  | { kind: "unknown"; why: string }
  | { kind: "wallet"; balance: number }
  | { kind: "level"; onHand: number; available: number }
  /** The status is null for an order that does not exist. */
  | { kind: "order"; status: "PLACED" | "CANCELLED" | null };

/** A request with all its tries. All clients of a run take the times from one watch. */
export interface Operation {
  request: ShopRequest;
  /** When the first try was sent. */
  startMs: number;
  /** When the answer came; infinite while it is `unknown`, because it may still happen later. */
  endMs: number;
  answer: ShopAnswer;
  tries: number;
  /**
   * Whether a try had no clear answer. A later refusal then says nothing about that try, which may still be
   * on its way.
   */
  wasUnclear: boolean;
}
