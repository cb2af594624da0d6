/**
 * Loads the graph that a gateway starts with: composed from what its services serve, or else the last one
 * that was.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { StartupError } from "@teranga/kit/process/config.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import { backoffMs, systemClock } from "@teranga/kit/process/retry.ts";
import type { Topology } from "@teranga/kit/topology/topology.ts";
import {
  checkGraph,
  composeIngredients,
  ingredientsOf,
  type SubgraphOmission,
} from "../composition/compose-graph.ts";
import { readSupergraph, type Supergraph } from "../ground/supergraph.ts";
import { readLastSupergraph, writeLastSupergraph } from "./last-supergraph.ts";
import type { ServedSchemas } from "./served-schemas.ts";

const RETRY = { firstMs: 100, maxMs: 1_000 };
/**
 * With a last supergraph clients need not wait longer: services that start later are served as soon as they
 * answer.
 */
const WAIT_WITH_LAST_MS = 5_000;
/** The log shows this many of the omissions. */
const OMISSIONS_SHOWN_MAX = 20;

export interface LoadOptions {
  topology: Topology;
  served: ServedSchemas;
  log: Logger;
  cacheFile?: string | undefined;
  startupWaitMs: number;
}

/**
 * Waits for one service of each subgraph, at most as long as told.
 * @throws StartupError if one is missing, or they do not fit together, and no earlier supergraph is kept
 */
export async function loadServedGraph({ topology, served, log, cacheFile, startupWaitMs }: LoadOptions) {
  const composer = new Composer(served, log);
  const last = cacheFile === undefined ? undefined : await lastFor(topology, cacheFile, log);
  const waitMs = last ? Math.min(startupWaitMs, WAIT_WITH_LAST_MS) : startupWaitMs;
  try {
    await waitForServices(topology, served, waitMs, log);
    const supergraph = composer.supergraphFor(topology)!;
    checkGraph(supergraph, topology, "composed");
    if (cacheFile !== undefined) {
      await writeLastSupergraph(
        cacheFile,
        { supergraphSdl: supergraph.sdl, topology, composedAt: new Date() },
        log,
      );
    }
    return { running: { supergraph, topology }, composer };
  } catch (error) {
    if (!last || !(error instanceof StartupError)) throw error;
    log.error({ composedAt: last.composedAt }, `${error.message}; starting with the last supergraph`);
    return { running: { supergraph: last.supergraph, topology }, composer };
  }
}

/** The supergraph of the file, if a gateway can run it over this topology. */
async function lastFor(topology: Topology, file: string, log: Logger) {
  const last = await readLastSupergraph(file, log);
  try {
    if (!last) return undefined;
    const supergraph = readSupergraph(last.supergraphSdl);
    checkGraph(supergraph, topology, "composed");
    return { supergraph, composedAt: last.composedAt };
  } catch (error) {
    log.warn({ file }, `${(error as Error).message}; the last supergraph is ignored`);
    return undefined;
  }
}

async function waitForServices(
  topology: Topology,
  served: ServedSchemas,
  waitMs: number,
  log: Logger,
): Promise<void> {
  const signal = AbortSignal.timeout(waitMs);
  const endMs = performance.now() + waitMs;
  const missing = () => [...topology.placements.keys()].filter((name) => served.of(name).length === 0);
  for (let attempt = 0; ; attempt++) {
    await served.askUnheard(signal);
    const [subgraph] = missing();
    if (subgraph === undefined) return;
    const pauseMs = backoffMs(attempt, RETRY, systemClock);
    if (performance.now() + pauseMs > endMs) {
      const seconds = Math.round(waitMs / 1_000);
      throw new StartupError(
        served.faultOf(subgraph) ?? `No service of the subgraph "${subgraph}" answered within ${seconds} s`,
      );
    }
    if (attempt === 0) log.info({ subgraphs: missing() }, "waiting for services of the subgraphs");
    await sleep(pauseMs);
  }
}

/**
 * Composes what is served, but only when that has changed: a composition takes a few hundred milliseconds in
 * which nothing else runs.
 */
export class Composer {
  readonly #served: ServedSchemas;
  readonly #log: Logger;
  #lastKey: string | undefined;
  #last: (() => Supergraph) | undefined;
  #omitted: readonly SubgraphOmission[] = [];
  readonly #shownHints = new Set<string>();

  constructor(served: ServedSchemas, log: Logger) {
    this.#served = served;
    this.#log = log;
  }

  /** What the last composition left out. */
  get omitted(): readonly SubgraphOmission[] {
    return this.#omitted;
  }

  /**
   * Undefined if no service of some subgraph has told its schema yet.
   * @throws StartupError, one line, if there can be no supergraph
   */
  supergraphFor(topology: Topology): Supergraph | undefined {
    const servedBy = (subgraph: string) => this.#served.of(subgraph);
    if ([...topology.placements.keys()].some((name) => servedBy(name).length === 0)) return undefined;
    const ingredients = ingredientsOf(topology, servedBy);
    this.#setOmitted(ingredients.omitted);
    const key = JSON.stringify(ingredients.subgraphs);
    if (key !== this.#lastKey || !this.#last) {
      this.#lastKey = key;
      this.#last = this.#compose(ingredients);
    }
    return this.#last();
  }

  /** The function that it returns gives the same supergraph, or throws the same error, on every call. */
  #compose(ingredients: ReturnType<typeof ingredientsOf>): () => Supergraph {
    try {
      const { supergraph, hints } = composeIngredients(ingredients);
      for (const hint of hints) this.#showHint(hint);
      return () => supergraph;
    } catch (error) {
      return () => {
        throw error;
      };
    }
  }

  #showHint(hint: string): void {
    if (this.#shownHints.has(hint)) return;
    this.#shownHints.add(hint);
    this.#log.warn({ hint }, "composition");
  }

  #setOmitted(omitted: readonly SubgraphOmission[]): void {
    const textOf = ({ subgraph, what, because }: SubgraphOmission) => `${subgraph}: ${what}: ${because}`;
    const texts = omitted.map(textOf);
    if (texts.join("\n") === this.#omitted.map(textOf).join("\n")) return;
    this.#omitted = omitted;
    if (texts.length === 0) this.#log.info("all services serve the same again; nothing is left out");
    else
      this.#log.warn(
        { count: texts.length, omitted: texts.slice(0, OMISSIONS_SHOWN_MAX) },
        "the graph leaves out what not every service of a subgraph can answer",
      );
  }
}
