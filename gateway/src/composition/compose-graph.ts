/**
 * Composes the supergraph of what the services serve, and checks the rules that every supergraph must keep
 * here.
 */
import { StartupError } from "@teranga/kit/process/config.ts";
import type { Topology } from "@teranga/kit/topology/topology.ts";
import { compose } from "@teranga/schema/compose.ts";
import { readSupergraph, type Supergraph } from "../ground/supergraph.ts";
import { placementsOf } from "../sources/create-sources.ts";
import { brokenPartitionRules } from "../sources/partitions/partition-rules.ts";
import { type CommonSchema, commonSchema, type ServedSdl } from "./common-schema.ts";
import type { Omission } from "./omissions.ts";

/** Something that the graph leaves out of one subgraph. */
export interface SubgraphOmission extends Omission {
  subgraph: string;
}

/** The input of a composition: one schema for each subgraph. */
export interface Ingredients {
  subgraphs: { name: string; url: string; sdl: string }[];
  omitted: SubgraphOmission[];
}

/**
 * The common schema of each subgraph of a topology.
 * @throws StartupError, one line, if the instances of a subgraph have no schema in common
 */
export function ingredientsOf(
  topology: Topology,
  servedBy: (subgraph: string) => readonly ServedSdl[],
): Ingredients {
  const omitted: SubgraphOmission[] = [];
  const subgraphs = Array.from(topology.placements.keys(), (name) => {
    const common = commonOf(name, servedBy(name));
    omitted.push(...common.omitted.map((omission) => ({ subgraph: name, ...omission })));
    return { name, url: `http://${name}/graphql`, sdl: common.sdl };
  });
  return { subgraphs, omitted };
}

function commonOf(subgraph: string, served: readonly ServedSdl[]): CommonSchema {
  try {
    return commonSchema(served);
  } catch (error) {
    throw new StartupError(`The services of "${subgraph}" have no schema in common: ${lineOf(error)}`);
  }
}

/** @throws StartupError, one line, if the subgraphs do not fit together */
export function composeIngredients({ subgraphs }: Ingredients): { supergraph: Supergraph; hints: string[] } {
  const { supergraphSdl, hints } = composed(subgraphs);
  const servedSdls = new Map(subgraphs.map(({ name, sdl }) => [name, sdl]));
  return { supergraph: { ...readSupergraph(supergraphSdl), servedSdls }, hints };
}

function composed(subgraphs: Ingredients["subgraphs"]) {
  try {
    return compose(subgraphs);
  } catch (error) {
    throw new StartupError(`The subgraphs do not fit together: ${lineOf(error)}`);
  }
}

/**
 * Checks that a gateway can run a supergraph over a topology.
 * @param origin `composed` here: each of its subgraphs must be in the topology. `foreign`: it has URLs of its
 * own
 * @throws StartupError, one line, if the gateway cannot
 */
export function checkGraph(
  supergraph: Supergraph,
  topology: Topology | undefined,
  origin: "composed" | "foreign",
): void {
  const placed = [...supergraph.subgraphs.values()].map(({ name }) => name);
  const missing = placed.find((name) => !topology?.placements.has(name));
  if (origin === "composed" && missing !== undefined) {
    throw new StartupError(`Topology: it has no subgraph "${missing}"`);
  }
  const placements = placementsOf(supergraph, topology);
  for (const [graph, { name }] of supergraph.subgraphs) {
    if (placements.get(name)?.kind !== "partitions") continue;
    const broken = brokenPartitionRules(supergraph, graph);
    if (broken.length > 0) throw new StartupError(broken.join("; "));
  }
}

function lineOf(error: unknown): string {
  return (error as Error).message.replaceAll("\n", "; ");
}
