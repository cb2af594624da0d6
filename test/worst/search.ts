/**
 * Searches for the most expensive request: requests are drawn from the schema, and those that took longest
 * are changed and tried again.
 */
import type { GraphQLSchema } from "graphql";
import { median } from "../bench/statistics.ts";
import { createRandom } from "../harness/random.ts";
import { FIRST_GENES, fieldNames, type Genes, mutated, RequestWriter } from "./request-genes.ts";

const KEPT = 12;
const REPEATS = 5;

/** The CPU time of a request that the gateway has not seen before; undefined if it is refused. */
export type CpuMsOf = (query: string) => Promise<number | undefined>;

interface Candidate {
  genes: Genes;
  query: string;
  cpuMs: number;
}

export interface Worst {
  query: string;
  /** The median of several tries. */
  cpuMs: number;
  tried: number;
}

export async function searchWorst(
  cpuMsOf: CpuMsOf,
  { schema, seed, durationMs }: { schema: GraphQLSchema; seed: number; durationMs: number },
): Promise<Worst> {
  const random = createRandom(seed);
  const names = fieldNames(schema);
  const endMs = performance.now() + durationMs;
  let best: Candidate[] = [];
  let tried = 0;
  for (; performance.now() < endMs; tried++) {
    const first = { ...FIRST_GENES, seed: random.between(1, 1e9) };
    const parent = best.length > 0 && random.next() < 0.9 ? random.pick(best).genes : first;
    const genes = mutated(mutated(parent, names, random.next), names, random.next);
    const query = new RequestWriter(schema, genes, createRandom(genes.seed).next).write();
    const cpuMs = await cpuMsOf(asNew(query, tried));
    if (cpuMs === undefined) continue;
    best = [...best, { genes, query, cpuMs }].toSorted((a, b) => b.cpuMs - a.cpuMs).slice(0, KEPT);
  }
  let worst: Worst = { query: "{ __typename }", cpuMs: 0, tried };
  for (const [at, { query }] of best.entries()) {
    const cpuMs = await steadyCpuMs(cpuMsOf, query, tried + at * REPEATS);
    if (cpuMs > worst.cpuMs) worst = { query, cpuMs, tried };
  }
  return worst;
}

async function steadyCpuMs(cpuMsOf: CpuMsOf, query: string, first: number): Promise<number> {
  const figures: number[] = [];
  for (let i = 1; i <= REPEATS; i++) figures.push((await cpuMsOf(asNew(query, first + i))) ?? 0);
  return median(figures);
}

/** The query as an operation that no cache of the gateway holds. */
function asNew(query: string, number: number): string {
  return query.replace("a0:", `a${number}_0:`);
}
