/**
 * `npm run bench:gateway`: compares the gateway with stock `@apollo/gateway`, Hive's gateway runtime and a
 * floor, in turns on one core.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runMain, StartupError } from "@teranga/kit/process/config.ts";
import { writeGenerated } from "../write-generated.ts";
import { startMarket } from "./contestants.ts";
import { measureCountry } from "./country-bench.ts";
import { renderCountry } from "./country-report.ts";
import type { LoadMessage, LoadOrder } from "./load.ts";
import { measureMarket } from "./market-bench.ts";
import { renderHead, renderMarket } from "./market-report.ts";
import { readOptions } from "./options.ts";
import { CORES, startPinned } from "./pinned-process.ts";

const usage = {
  command: "npm run bench:gateway",
  about: "Measures the gateway against stock @apollo/gateway, the gateway runtime of Hive and a floor.",
  options: {
    "--quick": "One short round: a look, not a measurement.",
    "--rounds N": "How often each operation is measured on each contestant.",
    "--seconds S": "How long each run is measured.",
    "--only NAME": "Of heavy, light, cities, split, sick; may be given again.",
    "--contestant NAME": "These contestants alone; may be given again.",
    "--cpu-profile": "Also profiles ours; the profiles are kept in .teranga-profiles.",
    "--write": "Writes the results to docs/benchmark-results.md.",
  },
};

await runMain(usage, async () => {
  const options = readOptions(process.argv.slice(2));
  const say = (line: string) => process.stdout.write(`${line}\n`);
  const directory = await mkdtemp(join(tmpdir(), "teranga-bench-gateway-"));
  const stopped = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => stopped.abort(new StartupError("Stopped.")));
  const { signal } = stopped;
  const stops: (() => Promise<void>)[] = [() => rm(directory, { recursive: true, force: true })];
  try {
    const generator = await startPinned<LoadOrder, LoadMessage>({
      name: "the load generator",
      program: "test/bench/gateway/load-generator.ts",
      core: CORES.others,
      logFile: join(directory, "load-generator.log"),
    });
    stops.push(generator.stop);
    const parts = [renderHead(options, process.argv.slice(2))];
    if (options.operations.length > 0) {
      const market = await startMarket(options.contestants, directory);
      stops.push(market.stop);
      const others = { generator, pids: [market.subgraphs.pid] };
      parts.push(renderMarket(await measureMarket(market, { options, others, say, signal })));
      await market.stop();
    }
    if (options.experiments.length > 0)
      parts.push(renderCountry(await measureCountry({ options, generator, directory, say, signal })));
    const report = parts.join("\n\n");
    say(`\n${report}`);
    if (options.write) await writeGenerated("bench:gateway", report);
  } finally {
    for (const stop of stops.toReversed()) await stop();
  }
});
