/** The table of payment-provider.ts as data, for the contract suite. */
import type { AuthoriseAnswer, SettleAnswer } from "./payment-provider.ts";

export type State = "NOTHING" | "DECLINED" | "AUTHORISED" | "CAPTURED" | "VOIDED" | "REFUNDED";
export type Message = "authorise" | "capture" | "void" | "refund";
type Cell = [answer: AuthoriseAnswer | SettleAnswer, next: State];

export const MESSAGES: readonly Message[] = ["authorise", "capture", "void", "refund"];
/** A row for each state. In NOTHING the client has enough money. */
export const TABLE: Record<State, Record<Message, Cell>> = {
  NOTHING: {
    authorise: ["AUTHORISED", "AUTHORISED"],
    capture: ["VIOLATION", "NOTHING"],
    void: ["DONE", "VOIDED"],
    refund: ["VIOLATION", "NOTHING"],
  },
  DECLINED: {
    authorise: ["DECLINED", "DECLINED"],
    capture: ["VIOLATION", "DECLINED"],
    void: ["DONE", "DECLINED"],
    refund: ["VIOLATION", "DECLINED"],
  },
  AUTHORISED: {
    authorise: ["AUTHORISED", "AUTHORISED"],
    capture: ["DONE", "CAPTURED"],
    void: ["DONE", "VOIDED"],
    refund: ["DONE", "REFUNDED"],
  },
  CAPTURED: {
    authorise: ["AUTHORISED", "CAPTURED"],
    capture: ["DONE", "CAPTURED"],
    void: ["VIOLATION", "CAPTURED"],
    refund: ["DONE", "REFUNDED"],
  },
  VOIDED: {
    authorise: ["DECLINED", "VOIDED"],
    capture: ["VIOLATION", "VOIDED"],
    void: ["DONE", "VOIDED"],
    refund: ["VIOLATION", "VOIDED"],
  },
  REFUNDED: {
    authorise: ["DECLINED", "REFUNDED"],
    capture: ["DONE", "REFUNDED"],
    void: ["VIOLATION", "REFUNDED"],
    refund: ["DONE", "REFUNDED"],
  },
};

/** The messages that lead from a new transaction to each state. Two states can be reached in two ways. */
export const WAYS: [name: string, state: State, messages: Message[]][] = [
  ["nothing", "NOTHING", []],
  ["DECLINED", "DECLINED", ["authorise"]],
  ["AUTHORISED", "AUTHORISED", ["authorise"]],
  ["CAPTURED", "CAPTURED", ["authorise", "capture"]],
  ["VOIDED", "VOIDED", ["authorise", "void"]],
  ["VOIDED before it was authorised", "VOIDED", ["void"]],
  ["REFUNDED", "REFUNDED", ["authorise", "capture", "refund"]],
  ["REFUNDED before it was captured", "REFUNDED", ["authorise", "refund"]],
];
