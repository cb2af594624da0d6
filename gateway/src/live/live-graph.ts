/**
 * The graph and the network that requests run on. Both are replaced while the gateway runs, independently of
 * each other.
 */
import type { Supergraph } from "../ground/supergraph.ts";
import type { Network, Networks } from "../network/network.ts";
import type { Engine } from "../planning/engine.ts";
import { GraphGateway } from "../planning/graph-gateway.ts";
import { readsOf } from "../session/read-after.ts";
import { createSources, placementsOf } from "../sources/create-sources.ts";
import type { MakeEngine } from "./engines.ts";
import type { GraphChanges, RunnableGraph } from "./graph-keeper.ts";

export interface LiveGraphParts {
  makeEngine: MakeEngine;
  networks: Networks;
}

type Topology = RunnableGraph["topology"];

/** A hint in a service's schema that allows a cache to keep its answers. */
const KEPT = /@cacheControl\([^)]*\bmaxAge:\s*[1-9]/;

/** An engine, and what it was made for. */
interface Built {
  engine: Engine;
  topology: Topology;
  placements: ReturnType<typeof placementsOf>;
}

export class LiveGraph implements GraphChanges {
  /** How often it was replaced. */
  generation = 0;
  readonly gateway: GraphGateway;
  readonly #parts: LiveGraphParts;
  #topology: Topology;
  #onTopology: (topology: Topology) => void = () => {};
  /** The kind of placement of each subgraph, for which an engine's sources are made. */
  #kinds = "";

  /** @throws StartupError, one line, if the supergraph and the topology do not fit together */
  static async start(running: RunnableGraph, parts: LiveGraphParts): Promise<LiveGraph> {
    return new LiveGraph(await build(running, parts), parts);
  }

  private constructor(built: Built, parts: LiveGraphParts) {
    this.#parts = parts;
    this.gateway = new GraphGateway(built.engine, this.#networkFor(built, built.engine.supergraph));
  }

  /** Whether the topology places a subgraph. */
  isPlaced(subgraph: string): boolean {
    return this.#topology?.placements.has(subgraph) === true;
  }

  /** Calls back with the topology that is run on: now, and after each change. */
  watchTopology(onTopology: (topology: Topology) => void): void {
    this.#onTopology = onTopology;
    onTopology(this.#topology);
  }

  async onTopology(topology: Topology): Promise<void> {
    const { engine } = this.gateway;
    const placements = placementsOf(engine.supergraph, topology);
    if (kindsOf(placements) !== this.#kinds) return this.onSupergraph(engine.supergraph, topology);
    this.gateway.updateNetwork(this.#networkFor({ topology, placements }, engine.supergraph));
  }

  async onSupergraph(supergraph: Supergraph, topology: Topology): Promise<void> {
    const built = await build({ supergraph, topology }, this.#parts);
    this.gateway.update(built.engine, this.#networkFor(built, supergraph));
    this.generation++;
  }

  #networkFor({ topology, placements }: Omit<Built, "engine">, supergraph: Supergraph): Network {
    this.#topology = topology;
    this.#onTopology(topology);
    this.#kinds = kindsOf(placements);
    const mayBeKept = (subgraph: string) => KEPT.test(supergraph.servedSdls?.get(subgraph) ?? "");
    return this.#parts.networks.update(placements.values(), readsOf(topology, mayBeKept));
  }
}

async function build(
  { supergraph, topology }: RunnableGraph,
  { makeEngine }: LiveGraphParts,
): Promise<Built> {
  const placements = placementsOf(supergraph, topology);
  const engine = await makeEngine(supergraph, createSources(supergraph, placements));
  return { engine, topology, placements };
}

function kindsOf(placements: Built["placements"]): string {
  return Array.from(placements, ([name, { kind }]) => `${name} ${kind}`).join("\n");
}
