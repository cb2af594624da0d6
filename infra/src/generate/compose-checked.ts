/** Composes the subgraphs and checks their partition directives, as the gateway does at its start. */

import { readSupergraph } from "@teranga/gateway/ground/supergraph.ts";
import { brokenPartitionRules } from "@teranga/gateway/sources/partitions/partition-rules.ts";
import { partitionedGraphs } from "@teranga/gateway/sources/partitions/partition-spec.ts";
import { StartupError } from "@teranga/kit/process/config.ts";
import { type Composition, compose, type SubgraphSdl } from "@teranga/schema/compose.ts";
import { GraphQLError, parse } from "graphql";

/** @throws StartupError with a line for each fault that names the subgraph and the field */
export function composeChecked(subgraphs: readonly SubgraphSdl[]): Composition {
  for (const { name, sdl } of subgraphs) mustParse(name, sdl);
  const composition = composeInWords(subgraphs);
  if (composition.hints.length > 0) throw listOf("The subgraphs disagree", composition.hints);
  const supergraph = readSupergraph(composition.supergraphSdl);
  const broken = partitionedGraphs(supergraph).flatMap((graph) => brokenPartitionRules(supergraph, graph));
  if (broken.length > 0) throw listOf("The partition spec cannot be carried out", broken);
  return composition;
}

function mustParse(name: string, sdl: string): void {
  try {
    parse(sdl);
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    const place = error.locations?.[0];
    throw new StartupError(`schema/${name}.graphql:${place?.line}:${place?.column}: ${error.message}`);
  }
}

function composeInWords(subgraphs: readonly SubgraphSdl[]): Composition {
  try {
    return compose(subgraphs);
  } catch (error) {
    throw listOf("The subgraphs do not fit together", (error as Error).message.split("\n"));
  }
}

function listOf(what: string, faults: readonly string[]): StartupError {
  return new StartupError(`${what}:\n${faults.map((fault) => `  ${fault}`).join("\n")}`);
}
