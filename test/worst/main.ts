/**
 * `npm run worst`: searches for the accepted requests that take most CPU time of the gateway, before the
 * first fetch and as a whole. Then 50 clients send such requests to a gateway, and the latency of
 * `{ __typename }` beside them is measured.
 */
import { readFileSync } from "node:fs";
import { runMain } from "@teranga/kit/process/config.ts";
import { readOptions } from "@teranga/kit/process/options.ts";
import { z } from "zod";
import { cpuMs } from "../bench/process-cpu.ts";
import { createAdmission } from "./admission.ts";
import { createAsk, latencyBeside } from "./beside.ts";
import { type CpuMsOf, searchWorst, type Worst } from "./search.ts";
import { type Stage, startStage } from "./stage.ts";

const CLIENTS = 50;
/** The length of an attack, and of the warm-up before it. */
const ATTACK_MS = 10_000;

const options = z.object({
  seconds: z.coerce.number().int().min(2).max(600).default(40),
  seed: z.coerce.number().int().default(1),
});

const usage = {
  command: "npm run worst",
  about:
    "Searches for the accepted requests that take the gateway most, and measures small requests beside them.",
  options: {
    "--seconds N": "How long to search, 40 by default: half for what is done before anything is asked.",
    "--seed N": "Draws other requests; 1 by default.",
  },
};

const say = (line: string) => process.stdout.write(`${line}\n`);

await runMain(usage, async () => {
  const { seconds, seed } = readOptions(options, process.argv.slice(2));
  const sdl = readFileSync(new URL("../../schema/generated/supergraph.graphql", import.meta.url), "utf8");
  const admission = createAdmission(sdl);
  const terms = { schema: admission.schema, seed, durationMs: (seconds * 1_000) / 2 };
  const planned = await searchWorst(admission.cpuMsOf, terms);
  tell("until something is asked", planned);
  const stage = await startStage(sdl);
  try {
    const whole = await searchWorst(wholeCpuMsOf(stage), terms);
    tell("of whole requests", whole);
    say(`{ __typename } beside nobody: ${await latency(stage, "{ a0: __typename }", 0)}`);
    for (const { query } of [planned, whole])
      say(
        `{ __typename } beside ${CLIENTS} clients that send ${query.length} characters: ${await latency(stage, query, CLIENTS)}`,
      );
  } finally {
    await stage.stop();
  }
});

function tell(what: string, { query, cpuMs: worstMs, tried }: Worst): void {
  say(
    `CPU time ${what}: ${worstMs.toFixed(0)} ms at most, of ${tried} requests; ${query.length} characters:`,
  );
  say(`${query}\n`);
}

function wholeCpuMsOf({ port, gateway }: Stage): CpuMsOf {
  const ask = createAsk(port);
  return async (query) => {
    const before = cpuMs([gateway.pid!]);
    const status = await ask(query);
    return status === 200 ? cpuMs([gateway.pid!]) - before : undefined;
  };
}

async function latency({ port }: Stage, query: string, clients: number): Promise<string> {
  const { p50Ms, p99Ms, maxMs, probes, answers } = await latencyBeside(port, query, {
    clients,
    durationMs: ATTACK_MS,
  });
  const told = [...answers].map(([status, count]) => `${count} with ${status}`).join(", ") || "none";
  return `p50 ${p50Ms.toFixed(0)} ms, p99 ${p99Ms.toFixed(0)} ms, at most ${maxMs.toFixed(0)} ms of ${probes}; answers to the others: ${told}`;
}
