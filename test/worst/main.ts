/**
 * `npm run worst`: searches for the accepted request that takes most of the gateway's processor before anything is asked, then lets 50 clients
 * send such requests to a gateway and measures what `{ __typename }` takes beside them.
 */
import { readFileSync } from "node:fs";
import { runMain } from "@teranga/kit/config.ts";
import { z } from "zod";
import { readOptions } from "../harness/options.ts";
import { createRandom } from "../harness/random.ts";
import { type Admission, createAdmission } from "./admission.ts";
import { latencyBeside } from "./beside.ts";
import { FIRST_GENES, fieldNames, type Genes, mutated, RequestWriter } from "./request-genes.ts";

const KEPT = 12;
const REPEATS = 5;
const CLIENTS = 50;

const options = z.object({
  seconds: z.coerce.number().int().min(1).max(600).default(40),
  seed: z.coerce.number().int().default(1),
});

interface Candidate {
  genes: Genes;
  query: string;
  cpuMs: number;
}

const usage = {
  command: "npm run worst",
  about:
    "Searches for the accepted request that takes the gateway most, and measures small requests beside it.",
  options: {
    "--seconds N": "How long to search, 40 unless told; each measurement takes a quarter of it.",
    "--seed N": "Draws other requests; 1 unless told.",
  },
};

await runMain(usage, async () => {
  const { seconds, seed } = readOptions(options, process.argv.slice(2));
  const say = (line: string) => process.stdout.write(`${line}\n`);
  const sdl = readFileSync(new URL("../../schema/generated/supergraph.graphql", import.meta.url), "utf8");
  const admission = createAdmission(sdl);
  const { tried, best } = search(admission, seed, seconds * 1_000);
  const worst = best
    .map((each) => ({ ...each, cpuMs: steadyCpuMs(admission, each.query) }))
    .toSorted((a, b) => b.cpuMs - a.cpuMs)[0]!;
  say(`${tried} requests tried; the worst has ${worst.query.length} characters:\n${worst.query}\n`);
  say(`CPU time until something is asked: ${worst.cpuMs.toFixed(0)} ms (median of ${REPEATS})`);
  for (const clients of [0, CLIENTS]) {
    const { p50Ms, p99Ms, count, sent } = await latencyBeside(
      sdl,
      worst.query,
      clients,
      (seconds * 1_000) / 4,
    );
    const figures = `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms of ${count}`;
    say(`{ __typename } beside ${clients} clients that sent ${sent} such requests: ${figures}`);
  }
});

function search(admission: Admission, seed: number, durationMs: number) {
  const random = createRandom(seed);
  const names = fieldNames(admission.schema);
  const endMs = performance.now() + durationMs;
  let best: Candidate[] = [];
  let tried = 0;
  for (; performance.now() < endMs; tried++) {
    const first = { ...FIRST_GENES, seed: random.between(1, 1e9) };
    const parent = best.length > 0 && random.next() < 0.9 ? random.pick(best).genes : first;
    const genes = mutated(mutated(parent, names, random.next), names, random.next);
    const query = new RequestWriter(admission.schema, genes, createRandom(genes.seed).next).write();
    const cpuMs = admission.cpuMsOf(query);
    if (cpuMs === undefined) continue;
    best = [...best, { genes, query, cpuMs }].toSorted((a, b) => b.cpuMs - a.cpuMs).slice(0, KEPT);
  }
  return { tried, best };
}

/** Each time as an operation that was never seen. */
function steadyCpuMs(admission: Admission, query: string): number {
  const figures = Array.from(
    { length: REPEATS },
    (_, i) => admission.cpuMsOf(`${query}${" ".repeat(i + 1)}`) ?? 0,
  );
  return figures.toSorted((a, b) => a - b)[Math.floor(REPEATS / 2)]!;
}
