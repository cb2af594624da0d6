/**
 * Watches everything that may change a gateway's graph while it runs: the topology file, the schemas that the
 * services serve, or a supergraph file made elsewhere.
 */

import type { Send } from "@teranga/kit/http/transport.ts";
import { StartupError } from "@teranga/kit/process/config.ts";
import { type FileContent, type FileWatch, watchFile } from "@teranga/kit/process/file-watch.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import { startWorker } from "@teranga/kit/process/worker.ts";
import type { Topology } from "@teranga/kit/topology/topology.ts";
import { agreeOnTopology } from "@teranga/kit/topology/topology-agreement.ts";
import type { TopologyStanding } from "@teranga/kit/topology/topology-standing.ts";
import { watchTopology } from "@teranga/kit/topology/topology-watch.ts";
import { checkGraph, type SubgraphOmission } from "../composition/compose-graph.ts";
import { readSupergraph, type Supergraph } from "../ground/supergraph.ts";
import { type GraphChanges, GraphKeeper, type RunnableGraph } from "./graph-keeper.ts";
import { writeLastSupergraph } from "./last-supergraph.ts";
import { loadServedGraph } from "./load-graph.ts";
import { ServedSchemas } from "./served-schemas.ts";

/**
 * Where the graph comes from: composed from the running services, or a supergraph made elsewhere. Named files
 * are watched.
 */
export type GraphSource =
  | { kind: "topology"; topology: Topology; topologyFile?: string | undefined }
  | {
      kind: "supergraph";
      supergraphSdl: string;
      supergraphFile?: string | undefined;
      topology?: Topology;
      topologyFile?: string | undefined;
    };

export interface GraphWatchOptions {
  source: GraphSource;
  send: Send;
  /** Is told why a topology in the file is not taken. */
  standing?: TopologyStanding | undefined;
  log: Logger;
  /** Where the last supergraph is kept, for a start without any service. By default it is not kept. */
  cacheFile?: string | undefined;
  /** How often services are asked for their schemas. */
  pollMs: number;
  /** How long the start waits until one service of every subgraph has answered. */
  startupWaitMs: number;
  /** How often the files are checked for changes that no event reported. */
  filePollMs?: number | undefined;
}

export interface GraphWatch extends RunnableGraph {
  /**
   * Starts to watch. Changes since the start are reported at once.
   * @returns takes another topology, for a caller that watches its file itself
   */
  follow(changes: GraphChanges): (topology: Topology) => Promise<void>;
  /** What the graph leaves out because some service of a subgraph does not have it. */
  omitted(): readonly SubgraphOmission[];
  /** Stops. Resolves when no change is called any more. */
  stop(): Promise<void>;
}

/** @throws StartupError, one line, if there is no graph */
export async function startGraphWatch(options: GraphWatchOptions): Promise<GraphWatch> {
  switch (options.source.kind) {
    case "topology":
      return watchServices(options, options.source);
    case "supergraph":
      return watchSupergraph(options, options.source);
    default:
      return options.source satisfies never;
  }
}

type SourceOf<Name extends GraphSource["kind"]> = Extract<GraphSource, { kind: Name }>;

async function watchServices(
  options: GraphWatchOptions,
  { topology, topologyFile }: SourceOf<"topology">,
): Promise<GraphWatch> {
  const { send, log, cacheFile, pollMs } = options;
  const served = new ServedSchemas({ send, log, nowMs: () => performance.now() });
  served.setTopology(topology);
  const { running, composer } = await loadServedGraph({ ...options, topology, served });
  const ending = new AbortController();
  const closers: FileWatch[] = [];

  const follow = (changes: GraphChanges) => {
    let round = new AbortController();
    const keeper = new GraphKeeper({
      running,
      supergraphFor: (wanted) => composer.supergraphFor(wanted!),
      check: (supergraph, wanted) => checkGraph(supergraph, wanted, "composed"),
      changes,
      onRunning: async ({ supergraph, topology: current }) => {
        log.info("the graph has changed");
        if (cacheFile === undefined) return;
        const made = { supergraphSdl: supergraph.sdl, topology: current!, composedAt: new Date() };
        await writeLastSupergraph(cacheFile, made, log);
      },
      log,
    });
    const settle = () => keeper.settle();
    const worker = startWorker({
      name: "schema poll",
      intervalMs: pollMs,
      log,
      step: async () => {
        round = new AbortController();
        await served.round(settle, AbortSignal.any([ending.signal, round.signal]));
        return false;
      },
    });
    const onChange = async (wanted: Topology) => {
      served.setTopology(wanted);
      keeper.want(wanted);
      await settle();
      // New services are asked at once, before all others.
      round.abort();
      worker.wake();
    };
    closers.push(worker, ...watchedTopology(topologyFile, topology, onChange, options));
    return onChange;
  };
  return {
    ...running,
    follow,
    omitted: () => composer.omitted,
    stop: () => {
      ending.abort();
      return stopAll(closers);
    },
  };
}

function watchSupergraph(
  options: GraphWatchOptions,
  { supergraphSdl, supergraphFile, topology, topologyFile }: SourceOf<"supergraph">,
): GraphWatch {
  const { log } = options;
  let wanted = new GivenSupergraph(supergraphSdl);
  const running = { supergraph: wanted.read(), topology };
  checkGraph(running.supergraph, topology, "foreign");
  const closers: FileWatch[] = [];

  const follow = (changes: GraphChanges) => {
    const keeper = new GraphKeeper({
      running,
      supergraphFor: () => wanted.read(),
      check: (supergraph, over) => checkGraph(supergraph, over, "foreign"),
      changes,
      onRunning: async () => log.info("the graph has changed"),
      log,
    });
    if (supergraphFile !== undefined) {
      const onContent = async (content: FileContent) => {
        if (content.kind === "unreadable") {
          log.error(`Supergraph ${supergraphFile}: cannot be read (${content.code}); it stays as it was`);
          return;
        }
        wanted = new GivenSupergraph(content.text);
        await keeper.settle();
      };
      closers.push(watchFile({ file: supergraphFile, onContent, log, pollMs: options.filePollMs }));
    }
    const onChange = (wanted: Topology) => {
      keeper.want(wanted);
      return keeper.settle();
    };
    closers.push(...watchedTopology(topologyFile, topology, onChange, options));
    return onChange;
  };
  return { ...running, follow, omitted: () => [], stop: () => stopAll(closers) };
}

/** A supergraph as a file gives it. It is parsed once, whatever topologies it is tried with. */
class GivenSupergraph {
  readonly #sdl: string;
  #supergraph: Supergraph | undefined;

  constructor(sdl: string) {
    this.#sdl = sdl;
  }

  /** @throws StartupError, one line, if the text is not a supergraph */
  read(): Supergraph {
    this.#supergraph ??= readSupergraph(this.#sdl);
    return this.#supergraph;
  }
}

function watchedTopology(
  file: string | undefined,
  topology: Topology | undefined,
  onChange: (topology: Topology) => Promise<void>,
  { send, standing, log, filePollMs }: GraphWatchOptions,
): FileWatch[] {
  if (file === undefined) return [];
  if (!topology) throw new StartupError(`Topology ${file}: it has not been read`);
  const agree = (next: Topology, current: Topology | undefined) =>
    agreeOnTopology({ current, next, send, role: "routes" });
  return [watchTopology({ file, topology, onChange, agree, standing, log, pollMs: filePollMs })];
}

async function stopAll(closers: readonly FileWatch[]): Promise<void> {
  for (const { stop } of closers) await stop();
}
