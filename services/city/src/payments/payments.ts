/**
 * A city's payments whose money providers outside hold. The commit point itself settles WALLET and
 * CASH_ON_DELIVERY, which never come here (decision 010).
 *
 * The life of a payment, in the home's table `payment`:
 *
 *   AUTHORISING   recorded before the provider is asked
 *   → AUTHORISED  the provider has set the money aside; only now can the commit point accept the order
 *   → DECLINED    the provider has refused, for good
 *   AUTHORISED → CAPTURED               the order is placed, and the provider has taken the money
 *   AUTHORISING, AUTHORISED → VOIDING   the order will never be placed: declined, refused or fenced
 *   VOIDING → VOIDED                    the provider has released the money, or will never set it aside
 *   AUTHORISED, CAPTURED → REFUNDING    the order is cancelled
 *   REFUNDING → REFUNDED                the provider has given the money back
 *
 * If a provider does not answer authorise, the order is declined, and the void is repeated until the provider
 * confirms it. So it does not matter whether the provider has set the money aside.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Sql } from "@teranga/kit/postgres/sql.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import { alarm } from "@teranga/protocol/alarm.ts";
import type { CityClock } from "@teranga/protocol/city/city-clock.ts";
import type { CommitProtocol } from "@teranga/protocol/city/commit-protocol.ts";
import type { OutsidePayments } from "@teranga/protocol/city/means.ts";
import { type DeclinedReason, type OrderCommit, SETTLED_BY_THE_COMMIT } from "@teranga/protocol/messages.ts";
import type { CityMetrics } from "../metrics.ts";
import { beginPayments, type OpenPayment } from "../sql/begin-payments.ts";
import { claimPayments, type DuePayment, type Methods } from "../sql/claim-payments.ts";
import { getDeclinedPayments } from "../sql/get-declined-payments.ts";
import { getRefusedPayments } from "../sql/get-refused-payments.ts";
import {
  type AnsweredPayment,
  recordAnswers,
  recordSettled,
  type SettledPayment,
} from "../sql/record-payments.ts";
import type { PaymentProvider, SettleAnswer } from "./payment-provider.ts";

export interface Payments extends OutsidePayments {
  /** The payment methods that the city takes, values of PaymentMethod. */
  methods: readonly string[];
}

/** The part of the city that payments use. */
export interface PaymentMeans {
  /** The city's id. */
  id: string;
  sql: Sql;
  protocol: Pick<CommitProtocol, "outcome">;
  clock: CityClock;
  log: Logger;
  metrics: CityMetrics;
}

/** The provider's deadlines, in milliseconds. */
export interface PaymentDeadlines {
  authoriseMs: number;
  releaseMs: number;
  settleMs: number;
}

const DEADLINES: PaymentDeadlines = {
  // The orchestrator waits 800 ms for a commit before it sends it again. The rest
  // is for the commit point itself.
  authoriseMs: 500,
  // Within the same 800 ms, for a refused order.
  releaseMs: 200,
  // Off the client's path. A payment that hangs must not hold up the provider's other payments for long.
  settleMs: 2_000,
};
/** A commit follows its authorise within milliseconds. After this time its sender is gone. */
const AUTHORISED_LEASE_MS = 10_000;

export function createPayments(
  city: PaymentMeans,
  providers: readonly PaymentProvider[],
  deadlines = DEADLINES,
): Payments {
  const byMethod = new Map(providers.map((provider) => [provider.method, provider]));
  const means = { ...city, providers: byMethod, deadlines };
  return {
    async authorise(orders) {
      const outside = orders.filter(({ paymentMethod }) => byMethod.has(paymentMethod));
      if (outside.length === 0) return;
      const open = await beginPayments(means.sql, outside, AUTHORISED_LEASE_MS, means.clock);
      const answers = await Promise.all(open.map((payment) => authoriseOne(means, payment)));
      await recordAnswers(
        means.sql,
        answers.filter((answer) => answer !== null),
      );
    },
    release: (orders, answers) => release(means, orders, answers),
    isOutside: (method) => byMethod.has(method),
    methods: [...SETTLED_BY_THE_COMMIT, ...byMethod.keys()],
    whyDeclined: (orders) => whyDeclined(means, orders),
    settlers: [
      ...[...byMethod.keys()].map((method) => ({ method, settle: () => settleDue(means, method) })),
      { method: null, settle: () => settleDue(means, { noneOf: [...byMethod.keys()] }) },
    ],
  };
}

type Providers = ReadonlyMap<string, PaymentProvider>;
type Means = PaymentMeans & { providers: Providers; deadlines: PaymentDeadlines };

/**
 * Null if the provider's answer is not known. The payment stays AUTHORISING, and the
 * commit point declines the order.
 */
async function authoriseOne(
  means: Means,
  { method, ...request }: OpenPayment,
): Promise<AnsweredPayment | null> {
  const { transactionId } = request;
  try {
    const provider = providerOf(means.providers, method);
    const state = await within(means.deadlines.authoriseMs, (signal) => provider.authorise(request, signal));
    if (state !== "VIOLATION") return { transactionId, state };
    alarm(means, { transactionId }, `${method} has another payment under the transaction's id`);
  } catch (error) {
    const reason = (error as Error).message;
    means.log.warn(
      { transactionId, method, reason },
      "a payment provider did not answer; its order is declined",
    );
  }
  return null;
}

/**
 * Leaves a declined order to recovery: its provider has set nothing aside, or did not answer. No further
 * transaction follows it.
 */
async function release(
  means: Means,
  orders: readonly OrderCommit[],
  answers: readonly { state: string }[],
): Promise<void> {
  const refused = orders.filter(
    ({ paymentMethod }, index) =>
      means.providers.has(paymentMethod) && !["COMMITTED", "DECLINED"].includes(answers[index]!.state),
  );
  if (refused.length === 0) return;
  const ids = refused.map(({ transactionId }) => transactionId);
  try {
    const held = await getRefusedPayments(means.sql, ids);
    const told = await Promise.all(
      held.map((payment) => settleOne(means, payment, "VOIDED", means.deadlines.releaseMs)),
    );
    await recordTold(means, told);
  } catch (error) {
    // The commit point has decided, and its answer counts.
    means.log.warn({ err: error, transactionIds: ids }, "refused orders keep their money until recovery");
  }
}

async function whyDeclined(
  { sql, providers }: Means,
  orders: readonly OrderCommit[],
): Promise<Map<string, DeclinedReason>> {
  const outside = orders.filter(({ paymentMethod }) => providers.has(paymentMethod));
  const asked = await getDeclinedPayments(
    sql,
    outside.map(({ transactionId }) => transactionId),
  );
  const reasonOf = ({ paymentMethod, transactionId }: OrderCommit): DeclinedReason => {
    if (paymentMethod === "WALLET") return "TOO_LITTLE_MONEY";
    if (!providers.has(paymentMethod)) return "NOT_OFFERED";
    const payment = asked.get(transactionId);
    // A client without a telephone number is never asked to pay (begin-payments.ts).
    if (!payment) return "NO_PHONE";
    return payment.isRefused ? "REFUSED" : "NO_ANSWER";
  };
  return new Map(orders.map((order) => [order.transactionId, reasonOf(order)]));
}

async function settleDue(means: Means, methods: Methods): Promise<boolean> {
  const due = await claimPayments(means.sql, methods, means.clock);
  const decisions = await decisionsOf(means, due);
  const told = await Promise.all(
    due.map((payment) => settleOne(means, payment, endOf(payment, decisions), means.deadlines.settleMs)),
  );
  await recordTold(means, told);
  return due.length > 0;
}

async function recordTold(
  { sql, log }: PaymentMeans,
  told: readonly (SettledPayment | null)[],
): Promise<void> {
  const settled = told.filter((payment) => payment !== null);
  await recordSettled(sql, settled);
  if (settled.length > 0) log.info({ payments: settled }, "payment providers were told what was decided");
}

/**
 * How the orders of these payments were decided. Fences an undecided order whose lease has passed, so that it
 * can never be placed.
 */
async function decisionsOf(
  { id, protocol, clock }: PaymentMeans,
  due: readonly DuePayment[],
): Promise<Map<string, string>> {
  const questions = due
    .filter(({ state }) => state === "AUTHORISING" || state === "AUTHORISED")
    .map(({ transactionId }) => ({ transactionId, cityId: id }));
  const outcomes = await protocol.outcome(questions, clock);
  return new Map(outcomes.map(({ transactionId, state }) => [transactionId, state]));
}

/** The final state of a payment. */
function endOf(
  { transactionId, state }: DuePayment,
  decisions: ReadonlyMap<string, string>,
): SettledPayment["state"] {
  switch (state) {
    case "VOIDING":
      return "VOIDED";
    case "REFUNDING":
      return "REFUNDED";
    case "AUTHORISING":
    case "AUTHORISED":
      // A payment that was claimed as AUTHORISING may belong to an order that has been placed since.
      return decisions.get(transactionId) === "COMMITTED" ? "CAPTURED" : "VOIDED";
    default:
      throw new Error(`a payment is ${state satisfies never}`);
  }
}

/** Null if the provider has not done it. The payment is tried again, after a growing wait. */
async function settleOne(
  means: Means,
  { transactionId, method }: DuePayment,
  end: SettledPayment["state"],
  deadlineMs: number,
): Promise<SettledPayment | null> {
  try {
    const provider = providerOf(means.providers, method);
    const answer = await within(deadlineMs, (signal) => tell(provider, transactionId, end, signal));
    if (answer === "DONE") return { transactionId, state: end };
    alarm(means, { transactionId }, `${method} refuses that the payment is ${end}`);
  } catch (error) {
    const reason = (error as Error).message;
    means.log.warn({ transactionId, method, end, reason }, "a payment could not be settled; trying later");
  }
  return null;
}

function tell(
  provider: PaymentProvider,
  transactionId: string,
  end: SettledPayment["state"],
  signal: AbortSignal,
): Promise<SettleAnswer> {
  switch (end) {
    case "CAPTURED":
      return provider.capture(transactionId, signal);
    case "VOIDED":
      return provider.void(transactionId, signal);
    case "REFUNDED":
      return provider.refund(transactionId, signal);
    default:
      throw new Error(`a payment cannot end ${end satisfies never}`);
  }
}

function providerOf(providers: Providers, method: string): PaymentProvider {
  const provider = providers.get(method);
  if (!provider) throw new Error(`no payment provider stands for ${method}`);
  return provider;
}

/**
 * Runs `ask`, and aborts its signal when the deadline passes.
 * @throws Error if there is no answer by then
 */
async function within<Answer>(
  deadlineMs: number,
  ask: (signal: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  const over = new AbortController();
  const late = delay(deadlineMs, undefined, { signal: over.signal }).then(() => {
    throw new Error(`no answer within ${deadlineMs} ms`);
  });
  try {
    return await Promise.race([(async () => ask(over.signal))(), late]);
  } finally {
    over.abort();
  }
}
