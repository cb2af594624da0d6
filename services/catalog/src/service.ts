/** The catalog service: the vertical fragment of Product that every site reads, over its own database. */

import { codedError } from "@teranga/kit/graphql/errors.ts";
import { startSubgraphServer } from "@teranga/kit/http/server.ts";
import { startOutbox } from "@teranga/kit/outbox/outbox.ts";
import { checkDatabase } from "@teranga/kit/postgres/database-check.ts";
import { Registry } from "@teranga/kit/process/metrics.ts";
import type { RunningService, ServiceOptions } from "@teranga/kit/process/run-service.ts";
import { closeAll } from "@teranga/kit/process/shutdown.ts";
import { serveDatabase } from "@teranga/kit/reads/database-reads.ts";
import { placeName } from "@teranga/kit/reads/read-headers.ts";
import { openChangeStream } from "@teranga/kit/redis/open-change-stream.ts";
import type { RedisTarget } from "@teranga/kit/redis/redis-url.ts";
import { databaseOf, nodesOf, partitionsOf, type Topology } from "@teranga/kit/topology/topology.ts";
import { readSchema } from "@teranga/schema/read-schema.ts";
import { createContext } from "./context.ts";
import { prepareCatalogDatabase } from "./database.ts";
import { readMergeRules } from "./merge/merge-rules.ts";
import { useMergeRules } from "./merge/use-merge-rules.ts";
import { startCompaction } from "./nodes/compaction.ts";
import type { NodeManager } from "./nodes/node-manager.ts";
import { addNodesMetrics } from "./nodes/nodes-metrics.ts";
import { ReceivedPositions } from "./nodes/received-positions.ts";
import { startNodes } from "./nodes/start-nodes.ts";
import { resolvers } from "./resolvers/index.ts";

export interface CatalogOptions extends ServiceOptions {
  databaseUrl: string;
  /** The node of the topology that this is; undefined if the catalog has one database. */
  node?: string | undefined;
  /** The file that says how concurrent changes are merged; the service's own by default. */
  mergeRulesFile?: string | undefined;
  /** Where changes are streamed to as well. */
  redis?: RedisTarget | undefined;
  /** How old an answer may be for a caller that has seen nothing; 5 s by default. */
  stalenessMs?: number;
  /** Called with the text of each SQL statement. */
  onStatement?: (statement: string) => void;
}

/**
 * Prepares the database and starts to serve.
 * @throws if the database cannot be reached or the port is taken
 */
export async function startCatalog(options: CatalogOptions): Promise<RunningService> {
  const { databaseUrl, topology, credential, port, log, onStatement, registry = new Registry() } = options;
  const place = placeName("catalog", options.node);
  let cities = cityIdsOf(topology);
  let nodes: NodeManager | undefined;
  const { members, reads, replication } = serveDatabase({
    url: databaseUrl,
    place,
    name: "catalog-1",
    applicationName: "catalog",
    replicas: databaseOf(topology, "catalog"),
    stalenessMs: options.stalenessMs,
    peers: options.node === undefined ? undefined : new ReceivedPositions(() => nodes),
    onStatement,
    log,
    registry,
  });
  const { sql } = members;
  const closing = [{ name: "the database", close: () => members.close() }];
  try {
    await members.find();
    await prepareCatalogDatabase(sql);
    await useMergeRules(sql, await readMergeRules(options.mergeRulesFile));
    await checkDatabase(sql, log);
    nodes = startNodes(options);
    addNodesMetrics(registry, nodes);
    if (nodes) {
      closing.unshift({ name: "the nodes", close: async () => nodes?.close() });
      await nodes.joined;
    }
    const compaction = startCompaction({ primary: () => members.primary.member.database.sql, nodes, log });
    closing.unshift({ name: "the compaction of the log", close: () => compaction.stop() });
    const primaryUrl = () => members.primary.member.url;
    const stream = openChangeStream(options.redis, place, { registry, log });
    closing.unshift({ name: "Redis", close: async () => stream.close() });
    const { listeners } = stream;
    const outbox = startOutbox({ primaryUrl, applicationName: "catalog", listeners, log, registry });
    closing.unshift({ name: "the outbox", close: outbox.close });
    const server = await startSubgraphServer({
      subgraph: "catalog",
      typeDefs: readSchema("catalog"),
      resolvers,
      createContext: () => createContext(sql, cities, replication, nodes),
      credential,
      port,
      door: options.door,
      log,
      checkReady: () => sql`select 1`,
      notes: async () => [
        ...(options.standing?.notes() ?? []),
        ...members.notes(),
        ...stream.notes(),
        ...(nodes?.notes() ?? []),
      ],
      registry,
      addRoutes: outbox.addRoute,
      reads,
      unavailable: codedError("SUBGRAPH_UNAVAILABLE", "The catalog is unavailable.", { subgraph: "catalog" }),
    });
    closing.unshift({ name: "the server", close: server.close });
    const setTopology = (next: Topology) => {
      members.setReplicas(databaseOf(next, "catalog"));
      cities = cityIdsOf(next);
      nodes?.setNodes(nodesOf(next, "catalog"));
    };
    return { ...server, setTopology, close: () => closeAll(closing) };
  } catch (error) {
    await closeAll(closing);
    throw error;
  }
}

/**
 * The ids of the cities in the topology's order.
 * @throws StartupError if it has no cities
 */
function cityIdsOf(topology: Topology): string[] {
  return partitionsOf(topology, "city").partitions.map(({ id }) => id);
}
