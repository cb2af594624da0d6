/** What clients of the shop do and are told: the recorded history of a run, as the clients saw it. */

/** What a client asks for. All but the reads carry a key, so that they can be asked again. */
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

/** What a client knows at the end of its operation. */
export type ShopAnswer =
  /** It has happened. `id`: of the transaction, or of the wallet entry of a top-up; null for a restock. */
  | { kind: "happened"; id: string | null }
  /** It has not happened, and why: `OutOfStock`, … */
  | { kind: "refused"; why: string }
  /** It may have happened. `why`: `OutcomeUnknown`, the code of an error, or how the connection failed. */
  | { kind: "unknown"; why: string }
  | { kind: "wallet"; balance: number }
  | { kind: "level"; onHand: number; available: number }
  /** Null for an order that is not there. */
  | { kind: "order"; status: "PLACED" | "CANCELLED" | null };

/** A request with all its tries; times are of one watch, which all clients of a run share. */
export interface Operation {
  request: ShopRequest;
  /** When the first try was sent. */
  startMs: number;
  /** When the answer came; infinite while it is `unknown`, since it may happen later still. */
  endMs: number;
  answer: ShopAnswer;
  tries: number;
  /**
   * Whether a try had no clear answer. A later refusal then says nothing of that one, which may still be on
   * its way.
   */
  wasUnclear: boolean;
}
