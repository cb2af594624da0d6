/** Measures a query for one city in graphs of few and of many cities. */
import { median } from "../statistics.ts";
import { cityId, countrySupergraph, countryTopology } from "./country.ts";
import { type Country, clientBodies, lineOf, stream, UNSHARED } from "./country-run.ts";
import { measureRun, type Run, warmUp } from "./measure.ts";
import { ask, type MeasuredServer } from "./servers.ts";

const CITY_COUNTS = [4, 64, 1_024];

/** The result for a graph of `cities` cities. */
export interface CitiesResult {
  cities: number;
  runs: Run[];
  /** The time of an operation that the gateway has not seen before, its answer included. */
  firstTimeMs: number;
  introspectionBytes: number;
  /** From the start of the process until it answers, when it composes from the running services. */
  composedMs: number;
}

export async function measureCities(country: Country): Promise<CitiesResult[]> {
  const { options, urlOf, start, others, say, signal } = country;
  const { warmUpMs, measureMs, rounds } = options;
  const supergraph = countrySupergraph();
  const results: (CitiesResult & { server: MeasuredServer })[] = [];
  for (const cities of CITY_COUNTS) {
    const topology = countryTopology(cities, urlOf);
    const startMs = performance.now();
    const composing = await start(`composing-${cities}`, topology);
    const composedMs = performance.now() - startMs;
    await composing.process.stop();
    const server = await start(`cities-${cities}`, topology, supergraph, {
      ...UNSHARED,
      INTROSPECTION: "true",
    });
    const introspectionBytes = await schemaBytes(server.url);
    results.push({
      cities,
      runs: [],
      firstTimeMs: await firstTimeMs(server.url),
      introspectionBytes,
      composedMs,
      server,
    });
  }
  const streams = [stream("client", clientBodies([0, 1, 2, 3]))];
  for (const { server } of results)
    await warmUp({ url: server.url, streams }, options.warmUpAnswers, others.generator);
  for (let round = 0; round < rounds; round++) {
    for (const { cities, runs, server } of results) {
      signal.throwIfAborted();
      const run = await measureRun(
        { url: server.url, contestant: server.process, streams, warmUpMs, measureMs },
        others,
      );
      say(lineOf(`one of ${cities} cities`, run));
      runs.push(run);
    }
  }
  for (const { server } of results) await server.process.stop();
  return results.map(({ server: _, ...result }) => result);
}

const INTROSPECTION =
  "{ __schema { types { name kind fields { name args { name } type { name kind } } enumValues { name } } } }";
async function schemaBytes(url: string): Promise<number> {
  const { text } = await ask(url, INTROSPECTION);
  if (!text.startsWith('{"data"'))
    throw new Error(`the schema cannot be seen: ${text.slice(0, SHOWN_LENGTH)}`);
  return text.length;
}

const SHOWN_LENGTH = 200;
const FIRST_TIMES = 40;

/** The median over operations that were never sent before, one at a time. The first half is the warm-up. */
async function firstTimeMs(url: string): Promise<number> {
  const times: number[] = [];
  for (let index = 0; index < 2 * FIRST_TIMES; index++) {
    const query = `{ new${index}: client(id: "${cityId(index % 4)}:1") { id name town city { id name towns location { latitude } } } }`;
    const startMs = performance.now();
    await ask(url, query);
    times.push(performance.now() - startMs);
  }
  return median(times.slice(FIRST_TIMES));
}
