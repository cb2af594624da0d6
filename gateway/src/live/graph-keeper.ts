/**
 * Keeps what a gateway runs, a supergraph over a topology, and replaces it while it runs.
 *
 * It takes as much of a change as makes sense: the new topology with a new supergraph; else the new topology
 * with the present supergraph; else a new supergraph over the present topology; else nothing. The reason why
 * something cannot be taken is logged once, as one line.
 */
import { StartupError } from "@teranga/kit/process/config.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import type { Topology } from "@teranga/kit/topology/topology.ts";

/** A graph that can be run: the supergraph is valid, and the topology has what it needs. */
export interface RunnableGraph {
  supergraphSdl: string;
  /** Undefined for a gateway that has only a supergraph. */
  topology: Topology | undefined;
}

/**
 * Carries changes out. A change may be refused by a StartupError, which is logged, and then nothing has
 * changed. Changes run one at a time, and their promises are awaited.
 */
export interface GraphChanges {
  /** The topology has changed, and the supergraph has not. */
  onTopology: (topology: Topology) => void | Promise<void>;
  /** The supergraph has changed, and perhaps the topology with it. */
  onSupergraph: (supergraphSdl: string, topology: Topology | undefined) => void | Promise<void>;
}

export interface GraphKeeperOptions {
  /** What runs at the start. */
  running: RunnableGraph;
  /**
   * The newest supergraph for a topology. Undefined if it is not known yet.
   * @throws StartupError if there can be none
   */
  supergraphFor: (topology: Topology | undefined) => string | undefined;
  /** @throws StartupError if the two cannot be run together */
  check: (supergraphSdl: string, topology: Topology | undefined) => void;
  changes: GraphChanges;
  /** Called when a new supergraph runs. */
  onRunning: (graph: RunnableGraph) => Promise<void>;
  log: Logger;
}

export class GraphKeeper {
  readonly #options: GraphKeeperOptions;
  #running: RunnableGraph;
  #wanted: Topology | undefined;
  #lastFault: string | undefined;
  /**
   * The settlement under way. The next one begins after it, and as many wait as there are waiting callers.
   */
  #settled: Promise<void> = Promise.resolve();

  constructor(options: GraphKeeperOptions) {
    this.#options = options;
    this.#running = options.running;
    this.#wanted = options.running.topology;
  }

  get running(): RunnableGraph {
    return this.#running;
  }

  /** Sets the wanted topology; `settle` runs it. */
  want(topology: Topology): void {
    this.#wanted = topology;
  }

  /** Runs what is wanted and possible now. Rejects if a change failed for another reason than a refusal. */
  settle(): Promise<void> {
    const settled = this.#settled.then(() => this.#settleOnce());
    this.#settled = settled.catch(() => {});
    return settled;
  }

  async #settleOnce(): Promise<void> {
    const { supergraphSdl, topology } = this.#running;
    const { supergraphFor } = this.#options;
    const candidates: (() => Candidate)[] = [
      () => ({ supergraphSdl: supergraphFor(this.#wanted), topology: this.#wanted }),
      () => ({ supergraphSdl, topology: this.#wanted }),
      () => ({ supergraphSdl: supergraphFor(topology), topology }),
    ];
    let fault: string | undefined;
    for (const candidate of candidates) {
      const outcome = await this.#tryToRun(candidate);
      if (outcome.kind === "refused") fault ??= outcome.fault;
      if (outcome.kind === "runs") break;
    }
    if (fault !== undefined && fault !== this.#lastFault) {
      this.#options.log.error(`${fault}; the rest stays as it was`);
    }
    this.#lastFault = fault;
  }

  async #tryToRun(candidate: () => Candidate): Promise<Outcome> {
    try {
      const { supergraphSdl, topology } = candidate();
      if (supergraphSdl === undefined) return { kind: "not-yet" };
      await this.#run({ supergraphSdl, topology });
      return { kind: "runs" };
    } catch (error) {
      if (error instanceof StartupError) return { kind: "refused", fault: error.message };
      throw error;
    }
  }

  /** @throws StartupError if it cannot be run */
  async #run(graph: RunnableGraph): Promise<void> {
    const { check, changes, onRunning } = this.#options;
    const { supergraphSdl, topology } = graph;
    const isNew = supergraphSdl !== this.#running.supergraphSdl;
    if (!isNew && topology === this.#running.topology) return;
    check(supergraphSdl, topology);
    if (isNew) await changes.onSupergraph(supergraphSdl, topology);
    else if (topology) await changes.onTopology(topology);
    this.#running = graph;
    if (isNew) await onRunning(graph);
  }
}

interface Candidate {
  /** Undefined if a service must answer first. */
  supergraphSdl: string | undefined;
  topology: Topology | undefined;
}

type Outcome = { kind: "runs" } | { kind: "not-yet" } | { kind: "refused"; fault: string };
