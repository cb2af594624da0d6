/** The benchmark on the graph of the public benchmark: all contestants in turns. */
import { sum } from "../statistics.ts";
import { CONTESTANT_IDS, type Contestant, type Market } from "./contestants.ts";
import type { Stream } from "./load.ts";
import { OPERATIONS, type OperationName } from "./market.ts";
import { CONNECTIONS, type MarketResults } from "./market-report.ts";
import { measureRun, type Others, type Run, warmUp } from "./measure.ts";
import type { Options } from "./options.ts";
import { keepProfile } from "./profiles.ts";

export interface MarketDependencies {
  options: Options;
  others: Others;
  say: (line: string) => void;
  signal: AbortSignal;
}

export async function measureMarket(
  market: Market,
  dependencies: MarketDependencies,
): Promise<MarketResults> {
  const { options, others, say, signal } = dependencies;
  const results: MarketResults = {
    otherBytes: market.otherBytes,
    cells: options.operations.map((operation) => ({
      operation,
      runs: Object.fromEntries(CONTESTANT_IDS.map((id) => [id, []])) as never,
    })),
    profiles: [],
  };
  for (const { operation } of results.cells) {
    for (const contestant of market.contestants) {
      signal.throwIfAborted();
      const streams = [streamOf(operation, contestant, market)];
      await warmUp({ url: contestant.url, streams }, options.warmUpAnswers, others.generator);
    }
  }
  for (let round = 0; round < options.rounds; round++) {
    for (const { operation, runs } of results.cells) {
      for (const contestant of rotated(market.contestants, round)) {
        const run = await measureOne(operation, contestant, false, market, dependencies);
        say(lineOf(`${operation}: ${contestant.id}`, run));
        runs[contestant.id].push(run);
      }
    }
  }
  if (options.cpuProfile) {
    // A separate round that does not count, because the profiler costs time.
    for (const { operation } of results.cells) {
      for (const contestant of market.contestants.filter(({ id }) => id.startsWith("ours"))) {
        const run = await measureOne(operation, contestant, true, market, dependencies);
        results.profiles.push(await keepProfile(`${operation}-${contestant.id}`, run.profile!));
      }
    }
  }
  return results;
}

function streamOf(operation: OperationName, { id }: Contestant, market: Market): Stream {
  return {
    name: operation,
    connections: CONNECTIONS,
    bodies: [JSON.stringify({ query: OPERATIONS[operation] })],
    answerBytes: market.answerBytes(id, operation),
    pauseMs: 0,
  };
}

async function measureOne(
  operation: OperationName,
  contestant: Contestant,
  profile: boolean,
  market: Market,
  { options: { warmUpMs, measureMs }, others, signal }: MarketDependencies,
): Promise<Run> {
  signal.throwIfAborted();
  const streams = [streamOf(operation, contestant, market)];
  const run = await measureRun(
    { url: contestant.url, contestant: contestant.process, streams, warmUpMs, measureMs, profile },
    others,
  );
  if (sum(run.streams.map(({ answered }) => answered)) === 0)
    throw await contestant.process.failure("has answered nothing");
  return run;
}

/** Each round begins with another contestant, so that none is always first or last. */
function rotated<Value>(values: readonly Value[], by: number): Value[] {
  return values.map((_, index) => values[(index + by) % values.length]!);
}

function lineOf(name: string, run: Run): string {
  const { requestsPerS, p50Ms, p99Ms, failures } = run.streams[0]!;
  return [
    name.padEnd(28),
    `${requestsPerS.toFixed(0)}/s`.padStart(8),
    `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`,
    `CPU ${run.cpuMs.toFixed(2)} ms, ${(run.allocatedBytes / 1_000).toFixed(0)} kB allocated, ${(run.grownBytes / 1_000).toFixed(1)} kB left`,
    `RSS ${(run.rssBytes / 1e6).toFixed(0)} MB; other core ${(run.othersShare * 100).toFixed(0)} %`,
    ...Object.entries(failures).map(([failure, count]) => `${count} × ${failure}`),
  ].join("  ");
}
