/**
 * What a payment provider must do to take part in orders. It is a participant of the commit protocol that holds money instead of
 * stock: authorise is its prepare, capture and void are its decide, refund is what a cancellation gives back.
 *
 * Every message is idempotent by its transaction id. The columns are what the provider has durably recorded of the id; the cells
 * are its answer and, after the arrow, what it has recorded then.
 *
 * | message   | nothing                              | DECLINED  | AUTHORISED      | CAPTURED        | VOIDED    | REFUNDED  |
 * | --------- | ------------------------------------ | --------- | --------------- | --------------- | --------- | --------- |
 * | authorise | AUTHORISED → same, DECLINED → same   | DECLINED  | AUTHORISED      | AUTHORISED      | DECLINED  | DECLINED  |
 * | capture   | VIOLATION                            | VIOLATION | DONE → CAPTURED | DONE            | VIOLATION | DONE      |
 * | void      | DONE → VOIDED                        | DONE      | DONE → VOIDED   | VIOLATION       | DONE      | VIOLATION |
 * | refund    | VIOLATION                            | VIOLATION | DONE → REFUNDED | DONE → REFUNDED | VIOLATION | DONE      |
 *
 * - authorise of another payer or amount under a known id is a VIOLATION; but a void that came first knows neither, and declines.
 * - void before authorise is remembered, as an ABORT before its prepare is: a late authorise must not set money aside for good.
 * - refund gives back what was taken, or releases what was only set aside, because an order may be cancelled before its capture
 *   has arrived. The capture that arrives after it takes nothing.
 * - What is authorised stays so until the provider is told: like a participant it may not let go on its own.
 *
 * The contract suite (provider-contract.ts) asks every cell of this table of a provider.
 */

/** What an order costs, and whom. */
export interface PaymentRequest {
  /** The transaction that places the order. */
  transactionId: string;
  clientId: string;
  /** In XOF. */
  amount: number;
  /** The client's telephone number, in international form; by it a company outside knows who pays. */
  phone: string;
}

/** VIOLATION: the message contradicts what is recorded. It changes nothing. */
export type AuthoriseAnswer = "AUTHORISED" | "DECLINED" | "VIOLATION";
export type SettleAnswer = "DONE" | "VIOLATION";

/**
 * An answer is definite and durable. Anything else is a throw: then nothing is known, and the message is sent
 * again. `signal` is aborted when nobody waits for the answer any more.
 */
export interface PaymentProvider {
  /** The way of paying that it stands for: `payment.method` in SQL, a value of PaymentMethod in the graph. */
  readonly method: string;
  /** Sets the money aside. */
  authorise(request: PaymentRequest, signal?: AbortSignal): Promise<AuthoriseAnswer>;
  /** Takes what is set aside: the order is placed. */
  capture(transactionId: string, signal?: AbortSignal): Promise<SettleAnswer>;
  /** Releases what is set aside, or ever would be: the order never will be placed. */
  void(transactionId: string, signal?: AbortSignal): Promise<SettleAnswer>;
  /** Gives back what was taken: the order is cancelled. */
  refund(transactionId: string, signal?: AbortSignal): Promise<SettleAnswer>;
}
