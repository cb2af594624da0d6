/**
 * The experiments on partitions: the number of cities, the cost of splitting, and a sick city. Only our
 * gateway takes part, because the others have no partitions.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "@teranga/infra/ports.ts";
import type { ServiceProfile } from "../cpu-profile.ts";
import { type CitiesResult, measureCities } from "./cities-bench.ts";
import { cityId } from "./country.ts";
import type { Country, CountryDependencies } from "./country-run.ts";
import type { CountryAnswer, CountryOrder } from "./country-services.ts";
import type { ExperimentName } from "./options.ts";
import { CORES, startPinned } from "./pinned-process.ts";
import { startServer } from "./servers.ts";
import { measureSick, type SickResult } from "./sick-bench.ts";
import { measureSplit, type SplitResult } from "./split-bench.ts";

export interface CountryResults {
  cities: CitiesResult[];
  split: SplitResult[];
  sick: SickResult[];
  profiles: ServiceProfile[];
}

export async function measureCountry(dependencies: CountryDependencies): Promise<CountryResults> {
  const { options, directory, generator } = dependencies;
  const running: { stop(): Promise<void> }[] = [];
  const services = await startPinned<CountryOrder, CountryAnswer>({
    name: "the country",
    program: "test/bench/gateway/country-services.ts",
    core: CORES.others,
    logFile: join(directory, "country.log"),
  });
  running.push(services);
  try {
    const { port, sickPort } = await services.next("listening");
    const start: Country["start"] = async (name, topology, supergraph, env = {}) => {
      const [port, files] = [await freePort(), join(directory, name)];
      await writeFile(`${files}.topology.yaml`, topology);
      if (supergraph !== undefined) await writeFile(`${files}.graphql`, supergraph);
      const args = supergraph === undefined ? [] : ["--supergraph", `${files}.graphql`];
      const settings = {
        // Whoever brings no token asks as an operator of the company, who may have all that is measured.
        NODE_ENV: "development",
        HOST: "127.0.0.1",
        TOPOLOGY: `${files}.topology.yaml`,
        SERVICE_CREDENTIAL: "a-credential-for-benchmarks",
        ...env,
      };
      const program = {
        program: "gateway/src/main.ts",
        args: [...args, "--port", String(port)],
        env: settings,
      };
      return startServer({ name, port, ...program }, directory, (process) => running.push(process));
    };
    const country: Country = {
      ...dependencies,
      others: { generator, pids: [services.pid] },
      urlOf: (path) => `http://127.0.0.1:${port}/${path}`,
      sickUrl: `http://127.0.0.1:${sickPort}/${cityId(1)}`,
      services,
      start,
    };
    const profiles: ServiceProfile[] = [];
    const wanted = (name: ExperimentName) => options.experiments.includes(name);
    return {
      cities: wanted("cities") ? await measureCities(country) : [],
      split: wanted("split") ? await measureSplit(country, profiles) : [],
      sick: wanted("sick") ? await measureSick(country) : [],
      profiles,
    };
  } finally {
    for (const process of running.toReversed()) await process.stop();
  }
}
