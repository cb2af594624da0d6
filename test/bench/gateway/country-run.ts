/** The parts that the experiments on the simulated country share. */
import { cityId } from "./country.ts";
import type { CountryAnswer, CountryOrder } from "./country-services.ts";
import type { Stream } from "./load.ts";
import { CONNECTIONS } from "./market-report.ts";
import type { Generator, Others, Run } from "./measure.ts";
import type { Options } from "./options.ts";
import type { PinnedProcess } from "./pinned-process.ts";
import type { MeasuredServer } from "./servers.ts";

export interface CountryDependencies {
  options: Options;
  generator: Generator;
  directory: string;
  say: (line: string) => void;
  signal: AbortSignal;
}

export interface Country extends CountryDependencies {
  others: Others;
  urlOf(path: string): string;
  sickUrl: string;
  services: PinnedProcess<CountryOrder, CountryAnswer>;
  /** Starts our gateway on a topology, from a supergraph file unless it is to compose the graph itself. */
  start(
    name: string,
    topology: string,
    supergraph?: string,
    env?: Record<string, string>,
  ): Promise<MeasuredServer>;
}

export const UNSHARED = { SHARE_QUERIES: "false" };
const CLIENT = "query Client($id: ID!) { client(id: $id) { id name email town city { id name towns } } }";
const CLIENTS_A_CITY = 10;

/** Queries about clients of these cities, in turn. */
export function clientBodies(cities: readonly number[]): string[] {
  return Array.from({ length: cities.length * CLIENTS_A_CITY }, (_, index) => {
    const id = `${cityId(cities[index % cities.length]!)}:${index}`;
    return JSON.stringify({ query: CLIENT, variables: { id } });
  });
}

export function stream(name: string, bodies: readonly string[], answerBytes: number | null = null): Stream {
  return { name, connections: CONNECTIONS, bodies, answerBytes, pauseMs: 0 };
}

export function lineOf(name: string, { streams: [first], cpuMs, allocatedBytes, othersShare }: Run): string {
  const { requestsPerS, p50Ms, p99Ms, failures } = first!;
  return [
    name.padEnd(52),
    `${requestsPerS.toFixed(0)}/s`.padStart(8),
    `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`,
    `CPU ${cpuMs.toFixed(3)} ms, ${(allocatedBytes / 1_000).toFixed(0)} kB; other core ${(othersShare * 100).toFixed(0)} %`,
    ...Object.entries(failures).map(([failure, count]) => `${count} × ${failure}`),
  ].join("  ");
}
