/**
 * `npm run bench:orders`: compares orders through the gateway with the bare databases (a) and with classic
 * two-phase commit (b), in one run on one machine and on the same databases.
 */
import { parseArgs } from "node:util";
import { createConsoleLog } from "@teranga/infra/console-log.ts";
import { runMain, StartupError } from "@teranga/kit/process/config.ts";
import { profileOrders } from "./cpu-profile.ts";
import { measureDurableWrites } from "./durable-writes.ts";
import { type Results, renderReport } from "./report.ts";
import { type Run, runLoad } from "./run-load.ts";
import { CITY_COUNTS, CONCURRENCIES, nameOf, PRODUCT_CHOICES, type Scenario } from "./scenarios.ts";
import { checkShop, openShop, refreshStatistics, type Shop, untilSettled } from "./shop.ts";
import { SYSTEM_IDS, type Systems, startSystems } from "./systems.ts";
import { writeGenerated } from "./write-generated.ts";

interface Options {
  rounds: number;
  measureMs: number;
  warmUpMs: number;
  only: string[];
  seed: number;
  writes: boolean;
  cpuProfile: boolean;
  write: boolean;
}

/**
 * Longer than the 2 s after which homes begin to collect acknowledgements, so that a measured second includes
 * all of an order's work.
 */
const WARM_UP_MS = 3_000;
/** Some thousand orders before anything is measured, so that no plan is made for empty tables. */
const HISTORY = { scenario: { cities: 3, products: "spread", concurrency: 16 }, measureMs: 8_000 } as const;
const FULL = { rounds: 3, seconds: 4 };
const QUICK = { rounds: 1, seconds: 1.5 };
/** The most that a numeric option may be. */
const NUMBER_MAX = 1_000_000;

const usage = {
  command: "npm run bench:orders",
  about: "Measures orders against the bare databases and against classic two-phase commit.",
  options: {
    "--quick": "One short round: a look, not a measurement.",
    "--rounds N": "How often each scenario is run on each system; medians are reported.",
    "--seconds S": "How long each run is measured.",
    "--only TEXT": 'Scenarios whose name has this, e.g. "two-city, hot"; may be given again.',
    "--seed N": "Draws other orders.",
    "--no-writes": "Leaves out the count of durable writes.",
    "--cpu-profile": "Also profiles the services at 64 orders at a time.",
    "--write": "Writes the results to docs/benchmark-results.md.",
  },
};

await runMain(usage, async () => {
  const options = readOptions(process.argv.slice(2));
  const say = (line: string) => process.stdout.write(`${line}\n`);
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => stop.abort(new StartupError("Stopped.")));
  // The services open their inspectors only on a signal; until then this option costs nothing.
  if (options.cpuProfile) process.env.NODE_OPTIONS = "--inspect-port=127.0.0.1:0";
  const logLevel = process.env.LOG_LEVEL ?? "info";
  const start = startSystems({ log: createConsoleLog(say), logLevel, signal: stop.signal });
  const systems = await start.catch((error: unknown) => {
    throw stop.signal.aborted ? stop.signal.reason : error;
  });
  try {
    const shop = await openShop(systems.databases);
    try {
      const results = await measure(options, systems, shop, say, stop.signal);
      const report = renderReport(results);
      say(`\n${report}`);
      if (options.write) await writeGenerated("bench:orders", report);
    } finally {
      await shop.close();
    }
  } finally {
    await systems.stop();
  }
});

async function measure(
  options: Options,
  systems: Systems,
  shop: Shop,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<Results> {
  const scenarios = selectScenarios(options.only);
  const results: Results = {
    command: `npm run bench:orders -- ${process.argv.slice(2).join(" ")}`.replace(/ -- $/, ""),
    rounds: options.rounds,
    measureMs: options.measureMs,
    cells: scenarios.map((scenario) => ({ scenario, runs: { ours: [], direct: [], classic: [] } })),
    writes: [],
    profiles: null,
    orders: 0,
  };
  const history = { ...HISTORY, system: systems.byId.direct, seed: options.seed, warmUpMs: 0 };
  await runLoad(history, shop);
  await untilSettled(shop);
  for (let round = 0; round < options.rounds; round++) {
    for (const [index, { scenario, runs }] of results.cells.entries()) {
      // The same orders for all systems.
      const seed = options.seed + round * results.cells.length + index;
      for (const id of rotated(SYSTEM_IDS, round)) {
        signal.throwIfAborted();
        const { warmUpMs, measureMs } = options;
        await refreshStatistics(shop);
        const run = await runLoad({ system: systems.byId[id], scenario, seed, warmUpMs, measureMs }, shop);
        await untilSettled(shop);
        runs[id].push(run);
        say(lineOf(`${nameOf(scenario)}: ${id}`, run));
      }
    }
  }
  if (options.writes) {
    say("Counting durable writes …");
    results.writes = await measureDurableWrites(systems, options, shop, signal);
  }
  if (options.cpuProfile) results.profiles = await profileOrders(systems, options, shop);
  results.orders = (await checkShop(shop)).orders;
  return results;
}

/** Each round begins with another system, so that no system is always first or last. */
function rotated<Value>(values: readonly Value[], by: number): Value[] {
  return values.map((_, index) => values[(index + by) % values.length]!);
}

function selectScenarios(only: readonly string[]): Scenario[] {
  const all = CITY_COUNTS.flatMap((cities) =>
    PRODUCT_CHOICES.flatMap((products) =>
      CONCURRENCIES.map((concurrency): Scenario => ({ cities, products, concurrency })),
    ),
  );
  const wanted = all.filter(
    (scenario) => only.length === 0 || only.some((text) => nameOf(scenario).includes(text)),
  );
  if (wanted.length === 0)
    throw new StartupError(`--only: there is no such scenario, e.g. "${nameOf(all[0]!)}"`);
  return wanted;
}

function lineOf(name: string, run: Run): string {
  const failures = Object.entries(run.failures).map(([result, count]) => `${count} ${result}`);
  const cpu = [...run.cpuMsByPart].map(([part, ms]) => `${part} ${ms.toFixed(2)}`);
  return [
    name.padEnd(44),
    `${run.ordersPerS.toFixed(0)}/s`.padStart(7),
    `p50 ${run.medianMs.toFixed(1)} ms, p99 ${run.p99Ms.toFixed(1)} ms`,
    ...failures,
    `CPU ms an order: ${cpu.join(", ")}; ${run.flushes.toFixed(2)} flushes, ${(run.walBytes / 1_000).toFixed(1)} kB`,
  ].join("  ");
}

function readOptions(args: readonly string[]): Options {
  const values = parse(args);
  const { rounds, seconds } = values.quick ? QUICK : FULL;
  return {
    rounds: positive("rounds", values.rounds, rounds),
    measureMs: positive("seconds", values.seconds, seconds) * 1_000,
    warmUpMs: WARM_UP_MS,
    only: values.only ?? [],
    seed: positive("seed", values.seed, 1),
    writes: !values["no-writes"],
    cpuProfile: values["cpu-profile"] ?? false,
    write: values.write ?? false,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        quick: { type: "boolean" },
        rounds: { type: "string" },
        seconds: { type: "string" },
        only: { type: "string", multiple: true },
        seed: { type: "string" },
        "no-writes": { type: "boolean" },
        "cpu-profile": { type: "boolean" },
        write: { type: "boolean" },
      },
    }).values;
  } catch (error) {
    throw new StartupError(`Options: ${(error as Error).message.split("\n")[0]}`);
  }
}

function positive(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (value > 0 && value <= NUMBER_MAX) return value;
  throw new StartupError(`--${name}: ${JSON.stringify(text)} is not a number above 0`);
}
