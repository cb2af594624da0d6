/** Product reads with the gateway's cache and without it, while products change. */
import { Pool } from "undici";
import { bodiesOf, KIND_NAMES, type Kind, mixedBodies, updatedProducts } from "./operations.ts";
import type { GatewayName } from "./reads-cluster.ts";
import { over, type Row, renderRows } from "./report.ts";
import {
  type Bench,
  changeProduct,
  checkAnswers,
  type Load,
  type ReadsRun,
  runReads,
  send,
} from "./run-reads.ts";
import { readsProducts, type Statement, statementsDuring } from "./statement-log.ts";

const CONTESTANTS = ["uncached", "cached"] as const satisfies GatewayName[];
type Contestant = (typeof CONTESTANTS)[number];
type Measured<Value> = Record<Contestant, Value>;

const KINDS = Object.keys(KIND_NAMES) as Kind[];
const CLIENTS = 32;
const COUNTED_READS = 1_000;
/** As many as the timed runs have at 1,000 reads a second. */
const COUNTED_WRITES = 4;
const COUNTED_AT_A_TIME = 8;

export async function measureCached(bench: Bench): Promise<string> {
  const mix = mixedBodies();
  for (const gateway of CONTESTANTS) await checkAnswers(mix, gateway, bench.cluster);
  const mixed = { bodies: mix, connections: CLIENTS };
  const loads: Load[] = [
    { name: "the mix", ...mixed, writes: "psql" },
    { name: "the mix, written by the same gateway", ...mixed, writes: "gateway" },
    { name: "products alone", bodies: bodiesOf("product"), connections: CLIENTS, writes: "psql" },
    ...KINDS.map((kind) => {
      return { name: KIND_NAMES[kind], bodies: bodiesOf(kind), connections: 1, writes: "psql" as const };
    }),
  ];
  // Compilers and the planner's statistics: the first run of each is not counted.
  for (const gateway of CONTESTANTS) await runReads(gateway, loads[0]!, bench);
  const cells: { load: Load; runs: Measured<ReadsRun[]> }[] = [];
  for (const load of loads) {
    const runs: Measured<ReadsRun[]> = { uncached: [], cached: [] };
    for (let round = 0; round < bench.options.rounds; round++) {
      const turns = round % 2 === 0 ? CONTESTANTS : CONTESTANTS.toReversed();
      for (const gateway of turns) runs[gateway].push(await runReads(gateway, load, bench, groupsOf(bench)));
    }
    cells.push({ load, runs });
  }
  const statements = {
    uncached: await count("uncached", mix, bench),
    cached: await count("cached", mix, bench),
  };
  return render(cells, statements);
}

function groupsOf({ cluster }: Bench) {
  const pids = (...kinds: string[]) =>
    cluster.processes().flatMap(({ kind, pid }) => (kinds.includes(kind) && pid !== null ? [pid] : []));
  return { services: pids("catalog", "city"), PostgreSQL: pids("postgres") };
}

/** The statements for a number of reads with writes between them, and of services for their own work. */
async function count(gateway: Contestant, mix: readonly string[], { cluster }: Bench): Promise<Statement[]> {
  const { url } = await cluster.gateway(gateway);
  const pool = new Pool(new URL(url).origin, { connections: COUNTED_AT_A_TIME, pipelining: 1 });
  const changed = updatedProducts();
  let sent = 0;
  const client = async () => {
    while (sent < COUNTED_READS) {
      const number = sent++;
      await send(pool, mix[number % mix.length]!);
      if (number % (COUNTED_READS / COUNTED_WRITES) === 0) await changeProduct(cluster, changed[number]!);
    }
  };
  try {
    return await statementsDuring(cluster, () =>
      Promise.all(Array.from({ length: COUNTED_AT_A_TIME }, client)),
    );
  } finally {
    await pool.destroy();
  }
}

function render(
  cells: readonly { load: Load; runs: Measured<ReadsRun[]> }[],
  statements: Measured<readonly Statement[]>,
): string {
  const [mix, own, products, ...kinds] = cells;
  const row = (what: string, runs: Measured<ReadsRun[]>, value: (run: ReadsRun) => number): Row => {
    const [base, other] = CONTESTANTS.map((id) => over(runs[id], value));
    return { what, base: base!, other: other!, moreIsBetter: false };
  };
  const counted = (isCounted: (statement: Statement) => boolean) => {
    const [base, other] = CONTESTANTS.map((id) => statements[id].filter(isCounted).length);
    return { base: base!, other: other!, moreIsBetter: false };
  };
  const rows = [
    ...kinds.flatMap(({ load, runs }) => [
      row(`${load.name}, p50, ms`, runs, ({ p50Ms }) => p50Ms),
      row(`${load.name}, p99, ms`, runs, ({ p99Ms }) => p99Ms),
    ]),
    {
      ...row(`products alone, ${CLIENTS} clients, reads/s`, products!.runs, (run) => run.requestsPerS),
      moreIsBetter: true,
    },
    row("products alone, CPU of the gateway, ms a read", products!.runs, ({ gatewayCpuMs }) => gatewayCpuMs),
    { ...row(`mix, ${CLIENTS} clients, reads/s`, mix!.runs, (run) => run.requestsPerS), moreIsBetter: true },
    {
      ...row("the same, written by the same gateway, reads/s", own!.runs, (run) => run.requestsPerS),
      moreIsBetter: true,
    },
    row(`mix, ${CLIENTS} clients, p99, ms`, mix!.runs, ({ p99Ms }) => p99Ms),
    row("mix, CPU of the gateway, ms a read", mix!.runs, ({ gatewayCpuMs }) => gatewayCpuMs),
    row("mix, CPU of services, ms a read", mix!.runs, ({ cpuOf }) => cpuOf.get("services")!),
    row("mix, CPU of PostgreSQL, ms a read", mix!.runs, ({ cpuOf }) => cpuOf.get("PostgreSQL")!),
    { what: `mix, queries of products for ${COUNTED_READS} reads`, ...counted(readsProducts) },
    { what: `mix, statements to all databases for ${COUNTED_READS} reads`, ...counted(isOfRequests) },
  ];
  const found = (over(mix!.runs.cached, ({ foundShare }) => foundShare) * 100).toFixed(1);
  const outbox = statements.cached.filter(({ from }) => from.endsWith(" outbox")).length;
  return [
    "### Product reads, cached and not",
    renderRows(["not cached", "cached"], rows),
    `Of one kind: one client. In the cached mix ${found} % of what may be kept was. Beside the statements for reads, the outbox was looked at with ${outbox} while those of the cached mix were counted.`,
  ].join("\n\n");
}

/** Those of the pools that requests use. The outbox and the looks at replicas cost the same without reads. */
const isOfRequests = ({ from }: Statement) => /^(catalog|city-\S+)$/.test(from);
