/** The real services, put together as their `service.ts` does it, but for HTTP, the pool and real time. */
import { createCatalogClient } from "@teranga/city/catalog-client.ts";
import { type City, createContext } from "@teranga/city/context.ts";
import { createCityMetrics } from "@teranga/city/metrics.ts";
import { createPayments } from "@teranga/city/payments/payments.ts";
import { resolvers as cityResolvers } from "@teranga/city/resolvers/index.ts";
import type { AskMeans } from "@teranga/kit/instances/ask.ts";
import { Instances } from "@teranga/kit/instances/instances.ts";
import type { Queryable } from "@teranga/kit/postgres/sql.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import { Registry } from "@teranga/kit/process/metrics.ts";
import type { Wait } from "@teranga/kit/process/worker.ts";
import type { PartitionPlacement } from "@teranga/kit/topology/topology.ts";
import { createOrchestrator } from "@teranga/orders/context.ts";
import { createOrderMetrics } from "@teranga/orders/metrics.ts";
import { resolvers as ordersResolvers } from "@teranga/orders/resolvers.ts";
import { createCommitProtocol } from "@teranga/protocol/city/commit-protocol.ts";
import { startPruning } from "@teranga/protocol/city/pruning.ts";
import { startRecovery } from "@teranga/protocol/city/recovery.ts";
import { createRecoveryMessages } from "@teranga/protocol/city/recovery-messages.ts";
import { readSchema } from "@teranga/schema/read-schema.ts";
import type { GraphQLError } from "graphql";
import { DATABASE_TIME } from "./databases.ts";
import { createEndpoint, type Endpoint } from "./endpoint.ts";
import type { Network } from "./network.ts";
import type { Life, Serve } from "./processes.ts";
import { CATALOG_URLS, CITY_IDS, TOPOLOGY } from "./shop.ts";
import { createSql, type ExecuteStatement } from "./sql-adapter.ts";

/** The schemas with their resolvers. Made once and used by all runs: they hold nothing of a run. */
export interface Endpoints {
  orders: Endpoint;
  cities: ReadonlyMap<string, Endpoint>;
}

export function createEndpoints(onFault: (error: GraphQLError) => void): Endpoints {
  const cityTypes = readSchema("city");
  const cities = CITY_IDS.map((cityId) => {
    const options = { typeDefs: cityTypes, resolvers: cityResolvers, onFault, cityId };
    return [cityId, createEndpoint(options)] as const;
  });
  const typeDefs = readSchema("orders");
  return {
    orders: createEndpoint({ typeDefs, resolvers: ordersResolvers, onFault }),
    cities: new Map(cities),
  };
}

export interface CityMeans {
  cityId: string;
  placement: PartitionPlacement;
  network: Network;
  /** The way to the city's database, for a life of its service. */
  databaseOf: (life: Life) => ExecuteStatement;
  endpoint: Endpoint;
  log: Logger;
  /** Whether the city's database has something that its workers may have to finish, and whether it is due. */
  hasWork: () => boolean;
  isDue: () => boolean;
  /** Whether nothing but clocks goes wrong: then the workers look whenever there is something to finish. */
  isCalm: boolean;
  /** How far behind its clock the city prunes; null if it does not. */
  horizonMs: number | null;
  /** Whether it would find something to prune. */
  isPrunable: (keptMs: number) => boolean;
}

/** In production the workers look twice a second. */
const RECOVERY_INTERVAL_MS = 2_000;
/**
 * While nothing goes wrong, prepares are over within half a second: rare looks would hardly ever meet one.
 */
const CALM_RECOVERY_INTERVAL_MS = 200;
/** In production once a minute. */
const PRUNING_INTERVAL_MS = 1_000;
/** Every so many times the workers look although nothing is due: else nobody would see one act too soon. */
const LOOKS_IN_VAIN = 4;
/** Pruning less often: looks that found nothing took a fifth of all time. */
const PRUNINGS_IN_VAIN = 16;

/** Counted, and read by nobody. */
const CITY_METRICS = createCityMetrics(new Registry());
const ORDER_METRICS = createOrderMetrics(new Registry());

/** Starts a city's service. */
export function bootCity(means: CityMeans, life: Life): Serve {
  const { cityId, placement, network, databaseOf, endpoint, log, horizonMs } = means;
  const asking: AskMeans = {
    instances: instancesOf(network, life),
    newId: () => newUuid(life),
    onFault: (fault) => log.error({ err: fault }, "an answer has the wrong form"),
  };
  const sql = createSql(databaseOf(life));
  const clock = { ...life.clock, now: (part: Queryable) => part`${DATABASE_TIME}::timestamptz` };
  const protocol = createCommitProtocol(sql);
  const own = { id: cityId, sql, protocol, clock, log, metrics: CITY_METRICS };
  const city: City = {
    ...own,
    placement,
    // There are no providers outside: to look for their payments finds nothing.
    payments: { ...createPayments(own, []), settlers: [] },
    catalog: createCatalogClient(TOPOLOGY, asking),
  };
  startRecovery({
    city,
    messages: createRecoveryMessages(placement, asking),
    intervalMs: means.isCalm ? CALM_RECOVERY_INTERVAL_MS : RECOVERY_INTERVAL_MS,
    startWait: (ms) =>
      waitForWork(life, ms, LOOKS_IN_VAIN, means.hasWork, means.isCalm ? () => true : means.isDue),
  });
  if (horizonMs !== null) {
    const isDue = () => means.isPrunable(horizonMs);
    // The horizon moves also where nothing is to be pruned.
    const startWait = (ms: number) => waitForWork(life, ms, PRUNINGS_IN_VAIN, () => true, isDue);
    startPruning({ city, keptMs: horizonMs, intervalMs: PRUNING_INTERVAL_MS, startWait });
  }
  return (request) => endpoint(request, { ...createContext(city), requestLog: log });
}

/**
 * Waits, and once more while there is nothing to do: most looks would find nothing, and each takes longer
 * than all else in its time.
 */
function waitForWork(
  life: Life,
  ms: number,
  looksInVain: number,
  hasWork: () => boolean,
  isDue: () => boolean,
): Wait {
  let current = life.wait(ms);
  let isEnded = false;
  let times = 0;
  const isWanted = () => hasWork() && (isDue() || ++times % looksInVain === 0);
  const wait = async () => {
    await current.over;
    while (!isEnded && !isWanted()) {
      current = life.wait(ms);
      await current.over;
    }
  };
  return {
    over: wait(),
    end() {
      isEnded = true;
      current.end();
    },
  };
}

export interface OrdersMeans {
  placement: PartitionPlacement;
  network: Network;
  endpoint: Endpoint;
  log: Logger;
}

/** Starts an instance of the orders service. */
export function bootOrders({ placement, network, endpoint, log }: OrdersMeans, life: Life): Serve {
  const orchestrator = createOrchestrator({
    cities: placement,
    catalogUrls: CATALOG_URLS,
    instances: instancesOf(network, life),
    clock: life.clock,
    delay: (ms) => life.delay(ms),
    newId: () => newUuid(life),
    log,
    metrics: ORDER_METRICS,
  });
  return (request) => endpoint(request, orchestrator.createContext({ log }));
}

/** Circuits measure time by a clock that does not jump, unlike the process' clock. */
function instancesOf(network: Network, life: Life): Instances {
  const { world } = life.process;
  return new Instances({
    send: network.sender(life),
    clock: { nowMs: () => world.elapsedMs, random: () => life.random.next() },
    startTimer: (ms, run) => world.schedule(ms, () => life.resume(run)).cancel,
  });
}

/** Version 7: the time by the process' clock, then chance. */
function newUuid({ clock, random }: Life): string {
  const time = clock.nowMs().toString(16).padStart(12, "0");
  const hex = (digits: number) =>
    Math.floor(random.next() * 16 ** digits)
      .toString(16)
      .padStart(digits, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(3)}-8${hex(3)}-${hex(6)}${hex(6)}`;
}
