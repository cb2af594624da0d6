/** The service of one city: its database, its part of the graph, and the workers that finish transactions. */

import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { codedError } from "@teranga/kit/graphql/errors.ts";
import { startSubgraphServer } from "@teranga/kit/http/server.ts";
import { createTransport } from "@teranga/kit/http/transport.ts";
import { Instances } from "@teranga/kit/instances/instances.ts";
import type { Sql } from "@teranga/kit/postgres/database.ts";
import { checkDatabase } from "@teranga/kit/postgres/database-check.ts";
import type { DatabaseMembers } from "@teranga/kit/postgres/database-members.ts";
import { Registry } from "@teranga/kit/process/metrics.ts";
import type { Clock } from "@teranga/kit/process/retry.ts";
import type { RunningService, ServiceOptions } from "@teranga/kit/process/run-service.ts";
import { closeAll } from "@teranga/kit/process/shutdown.ts";
import { type ServedDatabase, serveDatabase } from "@teranga/kit/reads/database-reads.ts";
import { placeName } from "@teranga/kit/reads/read-headers.ts";
import { allUrls, databaseOf, partitionsOf, replicasOf } from "@teranga/kit/topology/topology.ts";
import { createLiveTopology, livePartitionsOf } from "@teranga/kit/topology/topology-live.ts";
import { type CityClock, cityClock } from "@teranga/protocol/city/city-clock.ts";
import { type CommitProtocol, createCommitProtocol } from "@teranga/protocol/city/commit-protocol.ts";
import { startPruning } from "@teranga/protocol/city/pruning.ts";
import { startRecovery } from "@teranga/protocol/city/recovery.ts";
import { createRecoveryMessages, type RecoveryMessages } from "@teranga/protocol/city/recovery-messages.ts";
import { readSchema } from "@teranga/schema/read-schema.ts";
import { createCatalogClient } from "./catalog-client.ts";
import { type City, createContext } from "./context.ts";
import { keepsRule, openCityDatabase, setFragment } from "./database.ts";
import { addBacklogMetrics, type CityMetrics, createCityMetrics } from "./metrics.ts";
import { ownership } from "./ownership.ts";
import type { PaymentProvider } from "./payments/payment-provider.ts";
import { createPayments } from "./payments/payments.ts";
import { resolvers } from "./resolvers/index.ts";
import { getHealth } from "./sql/get-health.ts";
import { countStranded, strandedNotes } from "./stranded.ts";

export interface CityOptions extends ServiceOptions {
  cityId: string;
  databaseUrl: string;
  clock?: CityClock;
  /** How old an answer may be for a caller that has seen nothing; 5 s by default. */
  stalenessMs?: number;
  /** The longest wait between two recovery steps, in milliseconds. */
  recoveryIntervalMs?: number;
  /** How far the horizon is behind the present (pruning.ts), in milliseconds; 30 days by default. */
  horizonMs?: number;
  /** Called with each SQL statement. Tests assert the list of statements. */
  onStatement?: (statement: string) => void;
  /** Applies the messages of the commit protocol; the functions of `sql/` by default. */
  protocol?: (sql: Sql) => CommitProtocol;
  /**
   * Payment providers beside the methods that the commit point settles; none by default (docs/payments.md).
   */
  paymentProviders?: readonly PaymentProvider[];
}

/**
 * The longest time, past its deadline, before recovery notices an unfinished transaction.
 * A look costs two index probes.
 */
const RECOVERY_INTERVAL_MS = 500;

const HORIZON_MS = 30 * 86_400_000;

const STOP_MS = 1_000;

/** Starts the service. It is ready when this resolves. */
export async function startCity(options: CityOptions): Promise<Required<RunningService>> {
  const { cityId, topology, credential, log, registry = new Registry(), clock = cityClock } = options;
  const live = createLiveTopology(topology);
  const placement = livePartitionsOf(live.topology, "city");
  const metrics = createCityMetrics(registry);
  const { members, reads, replication } = openReplicated({ ...options, registry }, metrics);
  const { sql } = members;
  watchBacklog(registry, { sql, placement }, clock);
  const transport = createTransport({ credential, isService: true });
  const closeClients = [
    { name: "probes", close: () => instances.close() },
    { name: "transport", close: transport.close },
    { name: "database", close: () => members.close() },
  ];
  const instances = new Instances({ send: transport.send, log });
  const asking = {
    instances,
    newId: randomUUID,
    onFault(error: unknown) {
      metrics.faulted();
      log.error({ err: error }, "a fault of ours, while this service spoke with another");
    },
  };
  try {
    await members.find();
    await openCityDatabase(sql, cityId, placement);
    await checkDatabase(sql, log);
    const protocol = (options.protocol ?? createCommitProtocol)(sql);
    const means = { id: cityId, sql, protocol, clock, log, metrics };
    const city: City = {
      ...means,
      placement,
      catalog: createCatalogClient(live.topology, asking),
      replication,
      payments: createPayments(means, options.paymentProviders ?? []),
    };
    const server = await startSubgraphServer({
      subgraph: "city",
      typeDefs: readSchema("city"),
      resolvers,
      guard: ownership,
      createContext: ({ log }) => createContext({ ...city, log }),
      credential,
      port: options.port,
      door: options.door,
      log,
      checkReady: () => sql`select 1`,
      notes: async () => [
        ...(options.standing?.notes() ?? []),
        ...members.notes(),
        ...(await strandedNotes(city)),
      ],
      registry,
      reads,
      unavailable: codedError("CITY_UNAVAILABLE", `The city "${cityId}" is unavailable.`, { city: cityId }),
    });
    const stopWorkers = startWorkers(city, createRecoveryMessages(placement, asking), options);
    return {
      ...server,
      async setTopology(next) {
        replicasOf(next, "catalog");
        members.checkReplicas(databaseOf(next, "city", cityId));
        await setFragment(sql, cityId, partitionsOf(next, "city"));
        members.setReplicas(databaseOf(next, "city", cityId));
        live.set(next);
        instances.keep(allUrls(next));
      },
      keepsRule: () => keepsRule(sql, cityId, placement),
      close: () =>
        closeAll([
          { name: "server", close: server.close },
          { name: "workers", close: () => endWorkers(stopWorkers(), members) },
          ...closeClients,
        ]),
    };
  } catch (error) {
    await closeAll(closeClients);
    throw error;
  }
}

/** The city's database with its replicas. */
function openReplicated(options: CityOptions & { registry: Registry }, metrics: CityMetrics): ServedDatabase {
  const { cityId, databaseUrl, topology, stalenessMs, log, registry, onStatement } = options;
  return serveDatabase({
    url: databaseUrl,
    place: placeName("city", cityId),
    name: `${cityId}-1`,
    applicationName: `city-${cityId}`,
    replicas: databaseOf(topology, "city", cityId),
    stalenessMs,
    log,
    registry,
    onStatement,
    onLostTransaction: () => metrics.lostTransaction(),
  });
}

function watchBacklog(registry: Registry, city: Pick<City, "sql" | "placement">, clock: Clock): void {
  addBacklogMetrics(registry, {
    readBacklog: async () => {
      const [health, stranded] = await Promise.all([getHealth(city.sql), countStranded(city)]);
      return { ...health, stranded };
    },
    nowMs: () => clock.nowMs(),
    delay: (milliseconds, signal) => delay(milliseconds, undefined, { signal }),
  });
}

/** @returns a function that stops the workers */
function startWorkers(
  city: City,
  messages: RecoveryMessages,
  { recoveryIntervalMs, horizonMs }: CityOptions,
): () => Promise<unknown> {
  const recovery = startRecovery({ city, messages, intervalMs: recoveryIntervalMs ?? RECOVERY_INTERVAL_MS });
  const pruning = startPruning({ city, keptMs: horizonMs ?? HORIZON_MS });
  return () => Promise.all([recovery.stop(), pruning.stop()]);
}

/**
 * A worker's step takes milliseconds, unless the database is away. Then only closing the pool ends the step.
 */
async function endWorkers(
  stopped: Promise<unknown>,
  database: Pick<DatabaseMembers, "close">,
): Promise<void> {
  await Promise.race([stopped, delay(STOP_MS, undefined, { ref: false })]);
  await database.close();
  await stopped;
}
