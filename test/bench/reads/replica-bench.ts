/** Reads of a city that has a replica of its database, against the same from its primary alone. */
import { setTimeout as sleep } from "node:timers/promises";
import { median } from "../statistics.ts";
import { CITY, clientsBodies } from "./operations.ts";
import type { GatewayName } from "./reads-cluster.ts";
import { over, renderRows } from "./report.ts";
import { type Bench, checkAnswers, type ReadsRun, runReads } from "./run-reads.ts";

/** The gateway without a cache knows of the replica. */
const CONTESTANTS = ["primary-only", "uncached"] as const satisfies GatewayName[];
type Contestant = (typeof CONTESTANTS)[number];

const CLIENTS = 32;
const WRITERS = 4;
/** A pause between two writes of a writer, so that both contestants have the same number of writes. */
const WRITE_PAUSE_MS = 5;

export async function measureReplica(bench: Bench): Promise<string> {
  const load = {
    name: "a city's clients",
    bodies: clientsBodies(),
    connections: CLIENTS,
    writes: "nobody" as const,
  };
  for (const gateway of CONTESTANTS) await checkAnswers(load.bodies, gateway, bench.cluster);
  const pids = pidsOf(bench);
  const runs: Record<Contestant, ReadsRun[]> = { "primary-only": [], uncached: [] };
  const writesMs: Record<Contestant, number[]> = { "primary-only": [], uncached: [] };
  // The first round warms up.
  for (let round = 0; round <= bench.options.rounds; round++) {
    for (const gateway of round % 2 === 0 ? CONTESTANTS : CONTESTANTS.toReversed()) {
      const writing = startWriting(bench);
      const run = await runReads(gateway, load, bench, pids);
      const latenciesMs = await writing.stop();
      if (round === 0) continue;
      runs[gateway].push(run);
      writesMs[gateway].push(median(latenciesMs));
    }
  }
  const pair = (value: (contestant: Contestant) => number) => {
    const [base, other] = CONTESTANTS.map(value);
    return { base: base!, other: other!, moreIsBetter: false };
  };
  const row = (what: string, value: (run: ReadsRun) => number) => {
    return { what, ...pair((contestant) => over(runs[contestant], value)) };
  };
  const rows = [
    { ...row("reads/s", ({ requestsPerS }) => requestsPerS), moreIsBetter: true },
    row("a read, p50, ms", ({ p50Ms }) => p50Ms),
    row("a read, p99, ms", ({ p99Ms }) => p99Ms),
    { what: "a write beside it, p50, ms", ...pair((contestant) => median(writesMs[contestant])) },
    row("CPU of the primary, ms a read", ({ cpuOf }) => cpuOf.get("primary")!),
  ];
  const replica = over(runs.uncached, ({ cpuOf }) => cpuOf.get("replica")!);
  return [
    "### Reads of a city under writes, with a replica and without",
    renderRows(["primary alone", "with a replica"], rows),
    `${CLIENTS} clients, no cache, ${WRITERS} writers. The replica takes ${replica.toFixed(2)} ms of CPU a read, its replay included, on the same cores.`,
  ].join("\n\n");
}

function pidsOf({ cluster }: Bench) {
  const of = (wanted: string) =>
    cluster
      .processes()
      .flatMap(({ role, city, pid }) => (role === wanted && city === CITY && pid !== null ? [pid] : []));
  return { primary: of("primary"), replica: of("replica") };
}

function startWriting({ cluster }: Bench) {
  const sql = cluster.psql(CITY);
  const latenciesMs: number[] = [];
  let ended = false;
  const writer = async (number: number) => {
    while (!ended) {
      const beganMs = performance.now();
      await sql`update client set name = name where id = ${`${CITY}:${number + 1}`}`;
      latenciesMs.push(performance.now() - beganMs);
      await sleep(WRITE_PAUSE_MS);
    }
  };
  const writers = Promise.all(Array.from({ length: WRITERS }, (_, number) => writer(number)));
  return {
    async stop() {
      ended = true;
      await writers;
      return latenciesMs;
    },
  };
}
