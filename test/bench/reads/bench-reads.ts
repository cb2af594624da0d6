/**
 * `npm run bench:reads`: reads through the gateway with and without what makes them cheap: the cache, Redis,
 * replicas. In one run, on one cluster.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createConsoleLog } from "@teranga/infra/console-log.ts";
import { runMain, StartupError } from "@teranga/kit/process/config.ts";
import type { LoadMessage, LoadOrder } from "../gateway/load.ts";
import { CORES, startPinned } from "../gateway/pinned-process.ts";
import { writeGenerated } from "../write-generated.ts";
import { measureCached } from "./cached-bench.ts";
import { measureChanges } from "./changes-bench.ts";
import { type ExperimentName, readOptions } from "./options.ts";
import { startReadsCluster } from "./reads-cluster.ts";
import { measureRedis } from "./redis-bench.ts";
import { measureReplica } from "./replica-bench.ts";
import { renderHead } from "./report.ts";
import type { Bench } from "./run-reads.ts";
import { measureStampede } from "./stampede-bench.ts";

const usage = {
  command: "npm run bench:reads",
  about: "Measures reads with and without the cache, Redis and replicas, and how soon a change is seen.",
  options: {
    "--quick": "One short round: a look, not a measurement.",
    "--rounds N": "How often each load is run on each gateway; medians are reported.",
    "--seconds S": "How long each run is measured.",
    "--only NAME": "Of cached, replica, stampede, changes, redis; may be given again.",
    "--cpu-profile": "Also profiles the gateways; the profiles are kept in .teranga-profiles.",
    "--write": "Writes the results to docs/benchmark-results.md.",
  },
};

/** Each returns its part of the report. */
const EXPERIMENTS: Record<ExperimentName, (bench: Bench) => Promise<string>> = {
  cached: measureCached,
  replica: measureReplica,
  stampede: measureStampede,
  changes: measureChanges,
  redis: measureRedis,
};

await runMain(usage, async () => {
  const options = readOptions(process.argv.slice(2));
  const say = (line: string) => process.stdout.write(`${line}\n`);
  const stopped = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => stopped.abort(new StartupError("Stopped.")));
  const { signal } = stopped;
  const directory = await mkdtemp(join(tmpdir(), "teranga-bench-reads-"));
  const stops: (() => Promise<unknown>)[] = [() => rm(directory, { recursive: true, force: true })];
  try {
    const generator = await startPinned<LoadOrder, LoadMessage>({
      name: "the load generator",
      program: "test/bench/gateway/load-generator.ts",
      core: CORES.others,
      logFile: join(directory, "load-generator.log"),
    });
    stops.push(generator.stop);
    const cluster = await startReadsCluster({ log: createConsoleLog(say), signal });
    stops.push(cluster.stop);
    const bench = { options, cluster, generator, say, signal };
    const parts = [renderHead(options, process.argv.slice(2), cluster.redis !== undefined)];
    for (const name of options.experiments) parts.push(await EXPERIMENTS[name](bench));
    const report = parts.join("\n\n");
    say(`\n${report}`);
    if (options.write) await writeGenerated("bench:reads", report);
  } finally {
    for (const stop of stops.toReversed()) await stop();
  }
});
