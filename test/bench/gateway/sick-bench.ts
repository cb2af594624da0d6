/** Measures queries for one slow, dead or silent city, and queries for the other cities beside it. */
import { setTimeout as sleep } from "node:timers/promises";
import { countrySupergraph, countryTopology } from "./country.ts";
import { type Country, clientBodies } from "./country-run.ts";
import type { Health } from "./country-services.ts";
import type { Stream } from "./load.ts";
import { type StreamRun, summarise } from "./measure.ts";

export interface SickResult {
  name: string;
  healthy: StreamRun;
  sick: StreamRun;
}

/** Longer than the gateway's deadline of 5 s, which the first requests to a hanging city run into. */
const FIRST_DEADLINE_MS = 7_000;

export async function measureSick({
  options,
  urlOf,
  sickUrl,
  start,
  generator,
  services,
  say,
  signal,
}: Country) {
  const { warmUpMs, measureMs } = options;
  const server = await start("sick", countryTopology(4, urlOf, sickUrl), countrySupergraph());
  const phases: { name: string; health: Health; forMs: number }[] = [
    { name: "all are well", health: "well", forMs: measureMs },
    { name: "one answers after 200 ms", health: "slow", forMs: measureMs },
    { name: "well again", health: "well", forMs: measureMs },
    { name: "one is dead", health: "dead", forMs: measureMs },
    { name: "well again", health: "well", forMs: FIRST_DEADLINE_MS },
    { name: "one hangs: the first 7 s", health: "hanging", forMs: FIRST_DEADLINE_MS },
    { name: "one hangs: after that", health: "hanging", forMs: measureMs },
    { name: "well again", health: "well", forMs: FIRST_DEADLINE_MS },
  ];
  // A load far below the gateway's limit, so that the latencies are not those of a queue.
  const streams: Stream[] = [
    { name: "healthy", connections: 16, bodies: clientBodies([0, 2, 3]), answerBytes: null, pauseMs: 10 },
    { name: "sick", connections: 4, bodies: clientBodies([1]), answerBytes: null, pauseMs: 20 },
  ];
  generator.send({ kind: "load", url: server.url, streams });
  await sleep(warmUpMs);
  const results: SickResult[] = [];
  for (const { name, health, forMs } of phases) {
    signal.throwIfAborted();
    services.send({ kind: "become", health });
    await services.next("became");
    generator.send({ kind: "measure", forMs });
    const { measuredMs, streams: reports } = await generator.next("measured");
    const [healthy, sick] = reports.map((report) => summarise(report, measuredMs));
    const tell = (run: StreamRun) =>
      `${run.p50Ms.toFixed(2)}/${run.p99Ms.toFixed(1)}/${run.maxMs.toFixed(0)} ms of ${run.answered}`;
    say(`${name.padEnd(28)}  untouched ${tell(healthy!)}, touched ${tell(sick!)}`);
    results.push({ name, healthy: healthy!, sick: sick! });
  }
  generator.send({ kind: "end" });
  await generator.next("ended");
  await server.process.stop();
  return results;
}
