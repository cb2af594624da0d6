/**
 * The inside of the service, without HTTP: what all requests share, and what each of them uses. Time,
 * randomness, ids and the network come in here and nowhere else.
 */

import { type Identity, VISITOR } from "@teranga/kit/identity/identity.ts";
import type { Instances } from "@teranga/kit/instances/instances.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import { Registry } from "@teranga/kit/process/metrics.ts";
import type { Clock } from "@teranga/kit/process/retry.ts";
import type { PartitionPlacement } from "@teranga/kit/topology/topology.ts";
import { createCityMessages } from "@teranga/protocol/orchestrator/city-messages.ts";
import {
  createDecisionDelivery,
  type DecisionDelivery,
} from "@teranga/protocol/orchestrator/decision-delivery.ts";
import type { TransactionMeans } from "@teranga/protocol/orchestrator/transaction.ts";
import { createOrderMetrics, type OrderMetrics } from "./metrics.ts";
import { createOrderReads, type OrderReads } from "./order/order-reads.ts";
import { SharedCalls } from "./shared-calls.ts";

/** The dependencies of one request. */
export interface OrdersContext extends TransactionMeans {
  /** Who asks. */
  identity: Identity;
  /** The cities as they were when the request began. */
  cities: PartitionPlacement;
  reads: OrderReads;
  delivery: DecisionDelivery;
  /** The calls under way that carry a client's key. */
  calls: SharedCalls;
  /** A new UUID, version 7, in lower case. */
  newId: () => string;
  metrics: OrderMetrics;
}

/** The outside world of the service. */
export interface OrchestratorMeans {
  /** May change while the service runs, as may `catalogUrls`. Both are read at each use. */
  cities: PartitionPlacement;
  catalogUrls: readonly string[];
  /** The instances of the cities and the catalog. */
  instances: Instances;
  clock: Clock;
  /** Resolves after `ms` milliseconds. */
  delay: (ms: number) => Promise<unknown>;
  /** Makes UUIDs of version 7, in lower case. */
  newId: () => string;
  /** The logger for work that belongs to no request. */
  log: Logger;
  /** No metrics are recorded by default. */
  metrics?: OrderMetrics;
}

export interface Orchestrator {
  /** A visitor asks if nobody else is named. */
  createContext(request: { log: Logger; identity?: Identity }): OrdersContext;
  /** Resolves when no delivery of a decision is under way. */
  drain(): Promise<void>;
}

/** Many requests share one orchestrator, so their messages to a city travel together. */
export function createOrchestrator(means: OrchestratorMeans): Orchestrator {
  const { cities, clock, delay, newId, metrics = createOrderMetrics(new Registry()) } = means;
  const onFault = (error: unknown) => {
    metrics.faulted();
    means.log.error({ err: error }, "a fault of ours, while this service spoke with another");
  };
  const messages = createCityMessages({ ...means, metrics, onFault });
  const reads = createOrderReads({
    ...means,
    metrics,
    onFault,
    // The spread copies a value of the moment; the getter returns the newest.
    get catalogUrls() {
      return means.catalogUrls;
    },
  });
  const delivery = createDecisionDelivery(messages, means.log);
  const calls = new SharedCalls();
  return {
    createContext: ({ log, identity = VISITOR }) => ({
      identity,
      cities: { ...cities },
      reads,
      messages,
      delivery,
      calls,
      clock,
      delay,
      newId,
      log,
      metrics,
    }),
    drain: () => delivery.drain(),
  };
}
