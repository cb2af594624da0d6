/** The metrics of the orchestrator. */
import { BATCH_BUCKETS, LATENCY_BUCKETS_S, type Registry } from "@teranga/kit/process/metrics.ts";
import type { MessageMetrics } from "@teranga/protocol/orchestrator/message-metrics.ts";
import { Counter, Histogram } from "prom-client";

/** The metrics that the orchestrator records. */
export interface OrderMetrics extends MessageMetrics {
  /**
   * A client has been answered.
   * @param result the answer's type, or the code of its error
   */
  answered(mutation: string, result: string): void;
  /** A transaction has ended for the orchestrator. */
  ended(kind: string, result: string): void;
  /**
   * A fault of our own: this service failed, or got an answer that none of our services gives. The client was
   * told that some service does not answer.
   */
  faulted(): void;
}

/** @param registry the service's own registry, which /metrics reads */
export function createOrderMetrics(registry: Registry): OrderMetrics {
  const registers = [registry];
  const answers = new Counter({
    name: "teranga_orders_answers_total",
    help: "Answers to clients, by mutation and by what they say: a type of the result, or the code of an error.",
    labelNames: ["mutation", "result"],
    registers,
  });
  const transactions = new Counter({
    name: "teranga_orders_transactions_total",
    help: "Transactions that ended for the orchestrator, by kind and result. An order takes up to three.",
    labelNames: ["kind", "result"],
    registers,
  });
  const messages = new Histogram({
    name: "teranga_orders_message_seconds",
    help: "From the wish to send a message of the commit protocol to its answer, waiting for a request included.",
    labelNames: ["message", "result"],
    buckets: LATENCY_BUCKETS_S,
    registers,
  });
  const batches = new Histogram({
    name: "teranga_orders_batch_messages",
    help: "Messages, or questions before an order, that travel to a city in one request.",
    labelNames: ["message"],
    buckets: BATCH_BUCKETS,
    registers,
  });
  const alarms = new Counter({
    name: "teranga_orders_alarms_total",
    help: "Answers that say that the commit protocol is broken. It must be 0.",
    labelNames: ["message"],
    registers,
  });
  const faults = new Counter({
    name: "teranga_orders_faults_total",
    help: "Faults of ours while this service spoke with others: its own, and answers that are not what was asked, each logged with its cause. It must be 0.",
    registers,
  });
  return {
    answered: (mutation, result) => answers.inc({ mutation, result }),
    ended: (kind, result) => transactions.inc({ kind, result }),
    messageBegins(message) {
      const end = messages.startTimer({ message });
      return (result) => void end({ result });
    },
    batchSent: (message, count) => batches.observe({ message }, count),
    alarmed: (message) => alarms.inc({ message }),
    faulted: () => faults.inc(),
  };
}
