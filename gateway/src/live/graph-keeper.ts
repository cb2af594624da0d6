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
import type { Supergraph } from "../ground/supergraph.ts";

/** A graph that can be run: the supergraph is valid, and the topology has what it needs. */
export interface RunnableGraph {
  supergraph: Supergraph;
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
  onSupergraph: (supergraph: Supergraph, topology: Topology | undefined) => void | Promise<void>;
}

export interface GraphKeeperOptions {
  /** What runs at the start. */
  running: RunnableGraph;
  /**
   * The newest supergraph for a topology. Undefined if it is not known yet.
   * @throws StartupError if there can be none
   */
  supergraphFor: (topology: Topology | undefined) => Supergraph | undefined;
  /** @throws StartupError if the two cannot be run together */
  check: (supergraph: Supergraph, topology: Topology | undefined) => void;
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
    const { supergraph, topology } = this.#running;
    const { supergraphFor } = this.#options;
    const candidates: (() => Candidate)[] = [
      () => ({ supergraph: supergraphFor(this.#wanted), topology: this.#wanted }),
      () => ({ supergraph, topology: this.#wanted }),
      () => ({ supergraph: supergraphFor(topology), topology }),
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
      const { supergraph, topology } = candidate();
      if (supergraph === undefined) return { kind: "not-yet" };
      await this.#run({ supergraph, topology });
      return { kind: "runs" };
    } catch (error) {
      if (error instanceof StartupError) return { kind: "refused", fault: error.message };
      throw error;
    }
  }

  /** @throws StartupError if it cannot be run */
  async #run(graph: RunnableGraph): Promise<void> {
    const { check, changes, onRunning } = this.#options;
    const { supergraph, topology } = graph;
    const isNew = !isSame(supergraph, this.#running.supergraph);
    if (!isNew && topology === this.#running.topology) return;
    check(supergraph, topology);
    if (isNew) await changes.onSupergraph(supergraph, topology);
    else if (topology) await changes.onTopology(topology);
    this.#running = graph;
    if (isNew) await onRunning(graph);
  }
}

/** A supergraph does not have all that its subgraphs say: @shareable, for one, matters to routers only. */
function isSame(one: Supergraph, other: Supergraph): boolean {
  if (one.sdl !== other.sdl) return false;
  if (!one.servedSdls || !other.servedSdls) return true;
  return [...one.servedSdls].every(([name, sdl]) => other.servedSdls!.get(name) === sdl);
}

interface Candidate {
  /** Undefined if a service must answer first. */
  supergraph: Supergraph | undefined;
  topology: Topology | undefined;
}

type Outcome = { kind: "runs" } | { kind: "not-yet" } | { kind: "refused"; fault: string };
