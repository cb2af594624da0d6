/**
 * The wallet as a payment provider: it sets money aside for a transaction before its commit point, and learns
 * afterwards what was decided (../../functions/6-wallet.sql, services/city/src/payments). A company outside
 * does the same.
 */
import { abort } from "./home.ts";
import { violates } from "./participant.ts";
import { isCommitted, type State, type Step, send, step } from "./state.ts";
import type { Hold, Message, World } from "./world.ts";

/** The home records that it is about to ask. It may do so for a transaction that was fenced a moment ago. */
export function beginPayment(
  world: World,
  state: State,
  { tx, attempt }: Extract<Message, { kind: "commit" }>,
): Step[] {
  const order = world.attempts[attempt]!;
  if (order.kind !== "ORDER" || order.paidBy !== "HOLD" || state.payments[tx] !== "NONE") return [];
  return [
    step(state, `home asks the wallet for the money of ${tx}`, (next) => {
      next.payments[tx] = "AUTHORISING";
      send(next, { kind: "authorise", tx });
    }),
  ];
}

export function authorise(
  world: World,
  state: State,
  { tx }: Extract<Message, { kind: "authorise" }>,
): Step[] {
  if (state.holds[tx] !== "NONE") return [];
  const answer =
    state.balance >= 1 || world.mistake === "money held without a balance" ? "AUTHORISED" : "DECLINED";
  return [
    step(state, `the wallet answers ${answer} for ${tx}`, (next) => {
      if (answer === "AUTHORISED") next.balance -= 1;
      next.holds[tx] = answer;
      send(next, { kind: "authorise answer", tx, answer });
    }),
  ];
}

export function recordAnswer(
  state: State,
  { tx, answer }: Extract<Message, { kind: "authorise answer" }>,
): Step[] {
  if (state.payments[tx] !== "AUTHORISING") return [];
  return [
    step(state, `home hears that the payment of ${tx} is ${answer}`, (next) => (next.payments[tx] = answer)),
  ];
}

/** The home fences an open payment, or hears that the wallet has done what it was told, which stays true. */
export function settlePayment(world: World, state: State, tx: number): Step[] {
  const payment = state.payments[tx]!;
  const hears = (end: "CAPTURED" | "VOIDED" | "REFUNDED") =>
    isDone(state.holds[tx]!, end, world)
      ? [step(state, `home hears that ${tx} is ${end}`, (next) => (next.payments[tx] = end))]
      : [];
  switch (payment) {
    case "VOIDING":
      return hears("VOIDED");
    case "REFUNDING":
      return hears("REFUNDED");
    case "AUTHORISING":
    case "AUTHORISED":
      if (isCommitted(state, tx)) return hears("CAPTURED");
      if (state.decisions[tx]!.state === "ABORTED") return hears("VOIDED");
      return [step(state, `home fences ${tx}, whose payment is open`, (next) => abort(next, tx, "ABORTED"))];
    case "NONE":
    case "DECLINED":
    case "CAPTURED":
    case "VOIDED":
    case "REFUNDED":
      return [];
    default:
      return payment satisfies never;
  }
}

/** Whether the wallet answers DONE by now. A declined payment holds nothing that could be released. */
function isDone(hold: Hold, end: "CAPTURED" | "VOIDED" | "REFUNDED", { mistake }: World): boolean {
  if (end === "VOIDED" && hold === "NONE") return mistake === "early void forgotten";
  return (
    hold === end || (end === "VOIDED" && hold === "DECLINED") || (end === "CAPTURED" && hold === "REFUNDED")
  );
}

/** The table of services/city/src/payments/payment-provider.ts. */
export function settle(
  world: World,
  state: State,
  { tx, end }: Extract<Message, { kind: "settle" }>,
): Step[] {
  const hold = state.holds[tx]!;
  const becomes = (gain: number) => [
    step(state, `the wallet has ${tx} ${end}`, (next) => {
      next.holds[tx] = end;
      next.balance += gain;
    }),
  ];
  switch (hold) {
    case "AUTHORISED":
      return becomes(end === "CAPTURED" ? 0 : 1);
    case "CAPTURED":
      if (end === "REFUNDED") return becomes(1);
      break;
    case "REFUNDED":
      // The order was cancelled before its capture arrived.
      if (end === "CAPTURED") return world.mistake === "late capture takes again" ? becomes(-1) : [];
      break;
    case "NONE":
      // The void is recorded: its authorise may come later.
      if (end === "VOIDED") return world.mistake === "early void forgotten" ? [] : becomes(0);
      break;
    case "VOIDED":
      break;
    case "DECLINED":
      if (end === "VOIDED") return [];
      break;
    default:
      return hold satisfies never;
  }
  return hold === end ? [] : violates(state, `the wallet has ${tx} ${hold} and is told ${end}`);
}
