/**
 * The payments of a city that providers outside hold. WALLET and CASH_ON_DELIVERY are settled in the commit point itself and
 * never come here (decision 010).
 *
 * The life of a payment, in the table `payment` of the home:
 *
 *   AUTHORISING   noted before the provider is asked
 *   → AUTHORISED  it has set the money aside: the only state in which the commit point accepts the order
 *   → DECLINED    it has not, for good
 *   AUTHORISED → CAPTURED               the order is placed, and the provider has taken the money
 *   AUTHORISING, AUTHORISED → VOIDING   the order never will be placed: declined, refused, or fenced
 *   VOIDING → VOIDED                    the provider has released the money, or will never set it aside
 *   AUTHORISED, CAPTURED → REFUNDING → REFUNDED   the order is cancelled, the provider has given the money back
 *
 * A provider that does not answer authorise has not declined: the order is, and VOIDING goes on until the provider has
 * answered. So nobody has to know whether the money was set aside.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Sql } from "@teranga/kit/postgres/sql.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import type { Clock } from "@teranga/kit/process/retry.ts";
import { alarm } from "@teranga/protocol/city/alarm.ts";
import type { OutsidePayments } from "@teranga/protocol/city/means.ts";
import { transactionOutcomes } from "@teranga/protocol/city/sql/transaction-outcomes.ts";
import type { DeclinedReason, OrderCommit } from "@teranga/protocol/messages.ts";
import type { CityMetrics } from "../metrics.ts";
import { beginPayments, type OpenPayment } from "../sql/begin-payments.ts";
import { claimPayments, type DuePayment, type Methods } from "../sql/claim-payments.ts";
import { getDeclinedPayments } from "../sql/get-declined-payments.ts";
import {
  type AnsweredPayment,
  recordAnswers,
  recordSettled,
  type SettledPayment,
} from "../sql/record-payments.ts";
import type { PaymentProvider, SettleAnswer } from "./payment-provider.ts";

export interface Payments extends OutsidePayments {
  /** The ways of paying that the city takes, values of PaymentMethod. */
  methods: readonly string[];
}

/** What payments need of the city. */
export interface PaymentMeans {
  /** The city's id. */
  id: string;
  sql: Sql;
  clock: Clock;
  log: Logger;
  metrics: CityMetrics;
}

/** How long a provider may take to answer. */
export interface PaymentDeadlines {
  authoriseMs: number;
  settleMs: number;
}

const DEADLINES: PaymentDeadlines = {
  // The orchestrator waits 800 ms for a commit before it sends it again: what is left is for the commit point itself.
  authoriseMs: 500,
  // Off the client's path; and a payment that hangs must not hold up the provider's others for long.
  settleMs: 2_000,
};
const SETTLED_BY_THE_COMMIT = ["CASH_ON_DELIVERY", "WALLET"];
/** A commit follows its authorise within milliseconds; when this has passed, whoever was to send it is gone. */
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

/** Null if nothing is known: the payment stays AUTHORISING, for which the commit point declines the order. */
async function authoriseOne(
  means: Means,
  { method, ...request }: OpenPayment,
): Promise<AnsweredPayment | null> {
  const { transactionId } = request;
  try {
    const provider = providerOf(means.providers, method);
    const state = await within(means.deadlines.authoriseMs, (signal) => provider.authorise(request, signal));
    if (state !== "VIOLATION") return { transactionId, state };
    alarm(means, transactionId, `${method} has another payment under the transaction's id`);
  } catch (error) {
    const reason = (error as Error).message;
    means.log.warn(
      { transactionId, method, reason },
      "a payment provider did not answer; its order is declined",
    );
  }
  return null;
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
    // Who has none cannot be asked to pay (begin-payments.ts).
    if (!payment) return "NO_PHONE";
    return payment.isRefused ? "REFUSED" : "NO_ANSWER";
  };
  return new Map(orders.map((order) => [order.transactionId, reasonOf(order)]));
}

async function settleDue(means: Means, methods: Methods): Promise<boolean> {
  const due = await claimPayments(means.sql, methods, means.clock);
  const decisions = await decisionsOf(means, due);
  const told = await Promise.all(due.map((payment) => settleOne(means, payment, endOf(payment, decisions))));
  const settled = told.filter((payment) => payment !== null);
  await recordSettled(means.sql, settled);
  if (settled.length > 0)
    means.log.info({ payments: settled }, "payment providers were told what was decided");
  return due.length > 0;
}

/** How the orders of these payments were decided. One that is undecided past its lease is fenced, so that it never can be placed. */
async function decisionsOf(
  { id, sql, clock }: PaymentMeans,
  due: readonly DuePayment[],
): Promise<Map<string, string>> {
  const questions = due
    .filter(({ state }) => state === "AUTHORISING" || state === "AUTHORISED")
    .map(({ transactionId }) => ({ transactionId, cityId: id }));
  const outcomes = await transactionOutcomes(sql, questions, clock);
  return new Map(outcomes.map(({ transactionId, state }) => [transactionId, state]));
}

/** What a payment has to come to. */
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
      // One that was AUTHORISING when it was taken up can be of an order that was placed since.
      return decisions.get(transactionId) === "COMMITTED" ? "CAPTURED" : "VOIDED";
    default:
      throw new Error(`a payment is ${state satisfies never}`);
  }
}

/** Null if the provider has not done it: the payment comes up again, after a wait that grows. */
async function settleOne(
  means: Means,
  { transactionId, method }: DuePayment,
  end: SettledPayment["state"],
): Promise<SettledPayment | null> {
  try {
    const provider = providerOf(means.providers, method);
    const answer = await within(means.deadlines.settleMs, (signal) =>
      tell(provider, transactionId, end, signal),
    );
    if (answer === "DONE") return { transactionId, state: end };
    alarm(means, transactionId, `${method} refuses that the payment is ${end}`);
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

/** @throws Error if there is no answer by then; the question is called off */
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
