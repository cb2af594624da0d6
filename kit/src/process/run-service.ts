/** What every service that follows a topology file does as a program, from its configuration to its end. */
import type { z } from "zod";
import type { Door } from "../http/door.ts";
import { type doorVariables, readDoor } from "../http/door-config.ts";
import type { RunningServer } from "../http/listen.ts";
import { loadTopology, type Topology } from "../topology/topology.ts";
import { followTopology } from "../topology/topology-following.ts";
import { createTopologyStanding, type TopologyStanding } from "../topology/topology-standing.ts";
import type { serviceVariables } from "./config.ts";
import { createLogger, type Logger } from "./log.ts";
import { createProcessRegistry, type Registry } from "./metrics.ts";
import { closeAll, closeOnSignal } from "./shutdown.ts";
import { startTracing } from "./start-tracing.ts";

type ServiceConfig = z.infer<z.ZodObject<typeof serviceVariables & typeof doorVariables>>;

/** What a service is started with, beside what is its own. */
export interface ServiceOptions {
  topology: Topology;
  /** The secret that the services of a cluster show one another. */
  credential: string;
  /** 0 takes a free port. */
  port: number;
  /** The limits for connections. */
  door?: Door | undefined;
  log: Logger;
  /** The metrics at /metrics; a new registry by default. */
  registry?: Registry;
  /** The state of the topology file, which the health answer reports. */
  standing?: TopologyStanding;
}

export interface RunningService extends RunningServer {
  /**
   * Takes over another topology.
   * @throws StartupError if the service cannot serve under it; then nothing changes
   */
  setTopology(topology: Topology): void | Promise<void>;
  /** For an owner of rows: whether its database keeps the rule that the topology gives it. */
  keepsRule?: () => Promise<boolean>;
}

/** Starts the service and follows the topology file, until a signal ends the process. */
export async function runService(
  name: string,
  config: ServiceConfig,
  start: (options: ServiceOptions) => Promise<RunningService>,
): Promise<void> {
  const { SERVICE_CREDENTIAL: credential, TOPOLOGY: file, PORT: port } = config;
  const log = createLogger(name, config.LOG_LEVEL);
  const tracing = await startTracing(name, config);
  const topology = await loadTopology(file);
  const registry = createProcessRegistry();
  const standing = createTopologyStanding(registry);
  const door = readDoor(config, process.env.NODE_ENV);
  const service = await start({ topology, credential, port, door, log, registry, standing });
  const { setTopology: onChange, keepsRule } = service;
  const owning = keepsRule ? { role: "owns" as const, keepsRule } : { role: "routes" as const };
  const steps = [
    ...followTopology({ file, topology, onChange, credential, standing, log, ...owning }),
    { name: "the service", close: service.close },
    { name: "the spans", close: tracing.stop },
  ];
  closeOnSignal(() => closeAll(steps), log);
  log.info({ url: service.url }, "ready");
}
