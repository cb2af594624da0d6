/**
 * The gateway's metrics.
 *
 * Each combination of labels is a time series, so every label has a bound: operation names, error codes and
 * cities. Counters and breaker states are kept for each of up to CITIES_MAX cities, about 4,000 lines at
 * 1,024 cities. A histogram takes 15 lines a city, and a scrape of 1,024 histograms stops the event loop for
 * 25 ms. So the first CITY_HISTOGRAMS_MAX cities have one histogram each (5 ms), and all others share one.
 */
import { isAuthorized } from "@teranga/kit/http/credential.ts";
import { addGauge, addMetrics, LATENCY_BUCKETS_S, type Registry } from "@teranga/kit/process/metrics.ts";
import type { FastifyInstance } from "fastify";
import { Counter, Gauge, Histogram } from "prom-client";
import type { FetchRecord } from "../network/fetch-record.ts";
import type { CircuitView } from "../network/network.ts";
import type { TokenFault } from "../session/session.ts";
import type { RequestRecord } from "../sources/request-record.ts";
import { BoundedLabels } from "./bounded-labels.ts";
import { createReadCounter, createTokenCounter, type ReadCounter } from "./read-metrics.ts";

const OPERATIONS_MAX = 200;
const OPERATIONS_AT_ONCE_MAX = 100;
const CODES_MAX = 100;
const CITIES_MAX = 2_048;
const CITY_HISTOGRAMS_MAX = 128;

/**
 * For the time from a client's headers to the end of its answer. An operation may ask up to three services
 * one after the other, each for up to its deadline.
 */
const REQUEST_BUCKETS_S = [...LATENCY_BUCKETS_S, 10, 15];

/**
 * How a request ended. `refused`: by the client's mistake, or because it asked for too much. `partial`: with
 * data and errors. `failed`: without data, by our fault.
 */
export type RequestOutcome = "ok" | "partial" | "refused" | "failed" | "aborted";

/** The values of the gauges, read at each scrape. */
export interface GatewayState {
  /** How many plans are kept. */
  plans: number;
  /** How often the graph has been replaced. */
  generation: number;
  /** How many fields and other parts of the schema the graph leaves out because some city lacks them. */
  omitted: number;
  circuits: readonly CircuitView[];
}

export interface GatewayMetrics {
  requestBegun(): void;
  requestEnded(record: RequestRecord, outcome: RequestOutcome): void;
  /**
   * Called when a graph has looked up an operation.
   * @param planMs the time to plan and compile it; undefined if it was kept
   */
  operationFound(planMs: number | undefined): void;
  /** Called when one request to a service has ended: the observer of the network. */
  fetched(fetch: FetchRecord): void;
  circuitChanged(change: { state: CircuitView["state"] }): void;
  tokenRefused(fault: TokenFault): void;
  notInSafelist(): void;
}

/**
 * @param registry where the metrics are read from
 * @param state read at each scrape; it must not throw
 * @param operationNames the complete list of operation names, if a safelist has one
 */
export function createGatewayMetrics(
  registry: Registry,
  state: () => GatewayState,
  operationNames?: Iterable<string>,
): GatewayMetrics {
  const operations = new BoundedLabels({
    valuesMax: OPERATIONS_MAX,
    atOnceMax: OPERATIONS_AT_ONCE_MAX,
    known: operationNames,
  });
  const reads = createReadCounter(registry);
  const requests = requestInstruments(registry, operations, reads);
  const fetches = fetchInstruments(registry, reads);
  addGauges(registry, state);
  return { ...requests, ...fetches, tokenRefused: createTokenCounter(registry) };
}

function requestInstruments(registry: Registry, operations: BoundedLabels, reads: ReadCounter) {
  const registers = [registry];
  const codes = new BoundedLabels({ valuesMax: CODES_MAX });
  const requests = new Counter({
    name: "teranga_gateway_requests_total",
    help: "Clients' requests that have ended, by operation and outcome.",
    labelNames: ["operation", "outcome"],
    registers,
  });
  const seconds = new Histogram({
    name: "teranga_gateway_request_seconds",
    help: "From a request's headers to the end of its answer.",
    labelNames: ["operation"],
    buckets: REQUEST_BUCKETS_S,
    registers,
  });
  const underWay = new Gauge({
    name: "teranga_gateway_requests_under_way",
    help: "Clients' requests that have begun and not ended.",
    registers,
  });
  const errors = new Counter({
    name: "teranga_gateway_errors_total",
    help: "Errors that clients were told, by operation and code.",
    labelNames: ["operation", "code"],
    registers,
  });
  const plans = new Counter({
    name: "teranga_gateway_plans_total",
    help: "Operations that were carried out, by whether their plan was kept from before (hit) or had to be made (miss).",
    labelNames: ["cache"],
    registers,
  });
  const planning = new Histogram({
    name: "teranga_gateway_planning_seconds",
    help: "How long it took to make a plan and to compile it, with the wait for its turn.",
    buckets: LATENCY_BUCKETS_S,
    registers,
  });
  const unlisted = new Counter({
    name: "teranga_gateway_not_in_safelist_total",
    help: "Requests with an operation that is not in the safelist, whether refused or only logged.",
    registers,
  });
  return {
    requestBegun: () => underWay.inc(),
    requestEnded(record: RequestRecord, outcome: RequestOutcome) {
      const operation = operations.of(record.operation?.name);
      underWay.dec();
      requests.inc({ operation, outcome });
      seconds.observe({ operation }, record.durationMs / 1_000);
      for (const [code, count] of record.errors) errors.inc({ operation, code: codes.of(code) }, count);
      for (const [subgraph, count] of record.keptFetches) reads.kept(subgraph, count);
    },
    operationFound(planMs: number | undefined) {
      plans.inc({ cache: planMs === undefined ? "hit" : "miss" });
      if (planMs !== undefined) planning.observe(planMs / 1_000);
    },
    notInSafelist: () => unlisted.inc(),
  };
}

function fetchInstruments(registry: Registry, reads: ReadCounter) {
  const registers = [registry];
  const cities = new BoundedLabels({ valuesMax: CITIES_MAX });
  const timedCities = new BoundedLabels({ valuesMax: CITY_HISTOGRAMS_MAX });
  const fetches = new Counter({
    name: "teranga_gateway_fetches_total",
    help: "Questions to services, by subgraph, city and outcome: answered, refused, unknown, or broken-circuit if none was asked.",
    labelNames: ["subgraph", "partition", "outcome"],
    registers,
  });
  const seconds = new Histogram({
    name: "teranga_gateway_fetch_seconds",
    help: "From the wish to ask a service to its answer, further tries included; cities beyond the first 128 share a histogram.",
    labelNames: ["subgraph", "partition"],
    buckets: LATENCY_BUCKETS_S,
    registers,
  });
  const shared = new Counter({
    name: "teranga_gateway_shared_fetches_total",
    help: "Questions that were answered by another client's equal one, and not sent.",
    labelNames: ["subgraph"],
    registers,
  });
  const retries = new Counter({
    name: "teranga_gateway_fetch_retries_total",
    help: "Further tries of questions whose first was not answered.",
    labelNames: ["subgraph"],
    registers,
  });
  const changes = new Counter({
    name: "teranga_gateway_circuit_changes_total",
    help: "Circuit breakers of instances that opened, began to probe (half-open) or closed, by the state they went to.",
    labelNames: ["state"],
    registers,
  });
  return {
    fetched(fetch: FetchRecord) {
      const { subgraph, partition, outcome, durationMs, attempts, shared: isShared } = fetch;
      const isPartition = partition !== undefined;
      fetches.inc({ subgraph, partition: isPartition ? cities.of(partition) : "", outcome });
      const timed = isPartition ? timedCities.of(partition) : "";
      seconds.observe({ subgraph, partition: timed }, durationMs / 1_000);
      if (isShared) shared.inc({ subgraph });
      if (attempts > 1) retries.inc({ subgraph }, attempts - 1);
      reads.fetched(fetch);
    },
    circuitChanged: (change: { state: CircuitView["state"] }) => changes.inc({ state: change.state }),
  };
}

/** What an instance adds to the gauge of instances that are not asked, by the state of its circuit. */
const CIRCUIT_VALUES = { closed: 0, "half-open": 1, open: 1 } satisfies Record<CircuitView["state"], number>;

function addGauges(registry: Registry, state: () => GatewayState): void {
  new Gauge({
    name: "teranga_gateway_open_circuits",
    help: "Instances that are not asked at the moment because they do not answer, by subgraph and city.",
    labelNames: ["subgraph", "partition"],
    registers: [registry],
    collect() {
      this.reset();
      const cities = new BoundedLabels({ valuesMax: CITIES_MAX });
      for (const { subgraph, partition, state: circuit } of state().circuits) {
        const place = partition === undefined ? "" : cities.of(partition);
        this.inc({ subgraph, partition: place }, CIRCUIT_VALUES[circuit]);
      }
    },
  });
  const add = (name: string, help: string, read: (now: GatewayState) => number) =>
    addGauge(registry, name, help, () => read(state()));
  add("teranga_gateway_kept_plans", "Query plans in the cache.", ({ plans }) => plans);
  add(
    "teranga_gateway_graph_generation",
    "How often the graph was replaced since the start.",
    ({ generation }) => generation,
  );
  add(
    "teranga_gateway_omitted_parts",
    "Parts of the schema that the graph leaves out because some city does not have them.",
    ({ omitted }) => omitted,
  );
}

/**
 * Serves the metrics to callers with the service credential, and in development to everyone. For all others
 * the page does not exist: the public reaches this server, and it must not see operation names and order
 * counts.
 */
export function addGatewayMetrics(
  app: FastifyInstance,
  registry: Registry,
  { credential, isOpen }: { credential: string | undefined; isOpen: boolean },
): void {
  addMetrics(
    app,
    registry,
    ({ headers }) => isOpen || (credential !== undefined && isAuthorized(headers.authorization, credential)),
  );
}
