/**
 * What a payment provider must do to take part in orders. A provider is a participant of the commit protocol
 * that holds money instead of stock. Authorise is its prepare, capture and void are its decide, and refund is
 * its part of a cancellation.
 *
 * Every message is idempotent by its transaction id. A column is the state that the provider has durably
 * recorded for the id. A cell is the answer and, after the arrow, the new state.
 *
 * | message   | nothing       | DECLINED  | AUTHORISED      | CAPTURED        | VOIDED    | REFUNDED  |
 * | --------- | ------------- | --------- | --------------- | --------------- | --------- | --------- |
 * | authorise | either → same | DECLINED  | AUTHORISED      | AUTHORISED      | DECLINED  | DECLINED  |
 * | capture   | VIOLATION     | VIOLATION | DONE → CAPTURED | DONE            | VIOLATION | DONE      |
 * | void      | DONE → VOIDED | DONE      | DONE → VOIDED   | VIOLATION       | DONE      | VIOLATION |
 * | refund    | VIOLATION     | VIOLATION | DONE → REFUNDED | DONE → REFUNDED | VIOLATION | DONE      |
 *
 * - The first authorise is answered AUTHORISED or DECLINED, and its answer is the new state.
 * - authorise with another payer or amount under a known id is a VIOLATION. A void that came first has
 *   recorded neither, so authorise is DECLINED after it.
 * - void before authorise is recorded, as an ABORT before its prepare is. Otherwise a late authorise would
 *   set money aside for good.
 * - refund gives back money that was taken, or releases money that was only set aside, because an order may
 *   be cancelled before its capture arrives. A capture that arrives afterwards takes nothing.
 * - Authorised money stays set aside until the provider is told. Like a participant, the provider may not
 *   release it on its own.
 *
 * The contract suite (provider-contract.ts) tests every cell of this table.
 */

/** What an order costs, and who pays. */
export interface PaymentRequest {
  /** The transaction that places the order. */
  transactionId: string;
  clientId: string;
  /** In XOF. */
  amount: number;
  /** The client's telephone number in international form. A company outside knows the payer by it. */
  phone: string;
}

/** VIOLATION: the message contradicts what is recorded. It changes nothing. */
export type AuthoriseAnswer = "AUTHORISED" | "DECLINED" | "VIOLATION";
export type SettleAnswer = "DONE" | "VIOLATION";

/**
 * An answer is definite and durable. Anything else is thrown: then nothing is known, and the message is sent
 * again. `signal` is aborted when the caller no longer waits for the answer.
 */
export interface PaymentProvider {
  /** The payment method: `payment.method` in SQL, a value of PaymentMethod in the graph. */
  readonly method: string;
  /** Sets the money aside. */
  authorise(request: PaymentRequest, signal?: AbortSignal): Promise<AuthoriseAnswer>;
  /** Takes the money that was set aside: the order is placed. */
  capture(transactionId: string, signal?: AbortSignal): Promise<SettleAnswer>;
  /** Releases the money that was set aside, and refuses a later authorise: the order will never be placed. */
  void(transactionId: string, signal?: AbortSignal): Promise<SettleAnswer>;
  /** Gives the money back: the order is cancelled. */
  refund(transactionId: string, signal?: AbortSignal): Promise<SettleAnswer>;
}
