/**
 * Measures the cost of splitting: the same fetches of the same rows from a partitioned subgraph and from
 * plain ones.
 */
import type { ServiceProfile } from "../cpu-profile.ts";
import { cityId, rowsSupergraph, rowsTopology } from "./country.ts";
import { type Country, lineOf, stream, UNSHARED } from "./country-run.ts";
import { measureRun, type Run, warmUp } from "./measure.ts";
import { keepProfile } from "./profiles.ts";
import { ask } from "./servers.ts";

export interface SplitResult {
  name: string;
  partitioned: Run[];
  plain: Run[];
}

const KINDS = ["partitioned", "plain"] as const;
const ROW_COUNT = 200;
const FIELDS = "{ id name town level note }";
const four = [0, 1, 2, 3].map((index) => JSON.stringify(cityId(index)));
/** Both graphs make the same number of fetches of the same size. */
const SPLITS = [
  {
    name: `${ROW_COUNT} rows of one city, one fetch`,
    partitioned: `{ rows0(cities: [${four[0]}], count: ${ROW_COUNT}) ${FIELDS} }`,
    plain: `{ rows0(cities: [${four[0]}], count: ${ROW_COUNT}) ${FIELDS} }`,
  },
  {
    name: `${ROW_COUNT} rows over four cities, four fetches`,
    partitioned: `{ rows0(cities: [${four.join(", ")}], count: ${ROW_COUNT}) ${FIELDS} }`,
    plain: `{ ${four.map((city, kind) => `rows${kind}(cities: [${city}], count: ${ROW_COUNT / 4}) ${FIELDS}`).join(" ")} }`,
  },
];

export async function measureSplit(country: Country, profiles: ServiceProfile[]): Promise<SplitResult[]> {
  const { options, urlOf, start, others, say, signal } = country;
  const { warmUpMs, measureMs, rounds } = options;
  const servers = {
    partitioned: await start("partitioned", rowsTopology(true, 4, urlOf), rowsSupergraph(true), UNSHARED),
    plain: await start("plain", rowsTopology(false, 4, urlOf), rowsSupergraph(false), UNSHARED),
  };
  for (const split of SPLITS) {
    for (const kind of KINDS) {
      const streams = [stream(split.name, [JSON.stringify({ query: split[kind] })])];
      await warmUp({ url: servers[kind].url, streams }, options.warmUpAnswers, others.generator);
    }
  }
  const results: SplitResult[] = SPLITS.map(({ name }) => ({ name, partitioned: [], plain: [] }));
  for (let round = 0; round < rounds; round++) {
    for (const [index, split] of SPLITS.entries()) {
      for (const kind of round % 2 === 0 ? KINDS : KINDS.toReversed()) {
        signal.throwIfAborted();
        const { url, process } = servers[kind];
        const { text } = await ask(url, split[kind]);
        if (text.includes('"errors"')) throw new Error(`${split.name}: ${text.slice(0, 500)}`);
        const streams = [
          stream(split.name, [JSON.stringify({ query: split[kind] })], Buffer.byteLength(text)),
        ];
        const run = await measureRun({ url, contestant: process, streams, warmUpMs, measureMs }, others);
        say(lineOf(`${split.name}: ${kind}`, run));
        results[index]![kind].push(run);
      }
    }
  }
  if (options.cpuProfile) {
    const { url, process } = servers.partitioned;
    for (const [index, split] of SPLITS.entries()) {
      const streams = [stream(split.name, [JSON.stringify({ query: split.partitioned })])];
      const profiled = { url, contestant: process, streams, warmUpMs, measureMs, profile: true };
      profiles.push(await keepProfile(`split-${index}`, (await measureRun(profiled, others)).profile!));
    }
  }
  for (const { process } of Object.values(servers)) await process.stop();
  return results;
}
