/** `npm run verify`: checks every invariant in the databases of the cluster that runs. */
import { readFile } from "node:fs/promises";
import { compareNodes, type DivergentRow } from "@teranga/catalog/nodes/divergence.ts";
import { type Database, openDatabase, type Sql } from "@teranga/kit/postgres/database.ts";
import { runMain, StartupError } from "@teranga/kit/process/config.ts";
import { loadTopology, nodesOf } from "@teranga/kit/topology/topology.ts";
import { brokenInvariants, countUnfinished } from "./broken-invariants.ts";
import { clusterVariables } from "./config.ts";
import { pathsOf, runningSupervisor } from "./home.ts";
import { askedHome } from "./last-home.ts";
import { catalogNames, nodeOf } from "./members.ts";
import { SUPERUSER } from "./postgres-data.ts";
import { readProcesses } from "./state.ts";

/** Long, because a rule reads whole tables. */
const STATEMENT_TIMEOUT_MS = 600_000;

const usage = {
  command: "npm run verify",
  about: "Holds the cities' databases against every invariant, and the catalog's nodes against one another.",
  options: {
    "CITY=URL ...":
      "The databases; those of the cluster in the home if none is named. Exit code 1 if a rule is broken.",
  },
  variables: clusterVariables.pick({ TERANGA_HOME: true }),
};

await runMain(usage, async () => {
  const args = process.argv.slice(2);
  const databases = openAll(args.length > 0 ? namedUrls(args) : await urlsOfHome());
  const all = Array.from(databases, ([name, { sql }]): [string, Sql] => [name, sql]);
  const cities = new Map(all.filter(([name]) => nodeOf(name) === undefined));
  const nodes = new Map(all.flatMap(([name, sql]) => (nodeOf(name) ? [[nodeOf(name)!, sql]] : [])));
  try {
    const { differing, missing, onTheirWay } = await compareNodes(nodes);
    const silent = missing.map((node) => `catalog: ${node} does not answer`);
    const broken = [...(await brokenInvariants(cities)), ...silent, ...differing.map(inWords)];
    for (const line of broken) process.stdout.write(`! ${line}\n`);
    let unfinished = onTheirWay;
    for (const sql of cities.values())
      for (const count of Object.values(await countUnfinished(sql))) unfinished += count;
    const verdict = broken.length === 0 ? "Every invariant holds" : "Invariants are broken";
    process.stdout.write(`${verdict}: ${[...databases.keys()].join(", ")}. Under way: ${unfinished}.\n`);
    process.exitCode = broken.length === 0 ? 0 : 1;
  } finally {
    await Promise.all([...databases.values()].map(({ close }) => close()));
  }
});

function inWords({ entity, id, versions }: DivergentRow): string {
  const names = versions.map(({ node }) => node).join(" and ");
  return `catalog: ${names} have the same changes of ${entity} ${id}, and different rows`;
}

function namedUrls(args: readonly string[]): Map<string, string> {
  return new Map(
    args.map((argument) => {
      const [, city, url] = /^([^=-][^=]*)=(.+)$/.exec(argument) ?? [];
      if (city === undefined || url === undefined)
        throw new StartupError(`Unknown option ${argument}; there is only CITY=URL`);
      return [city, url];
    }),
  );
}

async function urlsOfHome(): Promise<Map<string, string>> {
  const home = await askedHome(process.env);
  if (!(await runningSupervisor(home))) throw new StartupError(`No cluster runs in ${home}`);
  const password = (await readFile(pathsOf(home).postgresPassword, "utf8")).trim();
  const topology = await loadTopology(pathsOf(home).topology);
  const servers = readProcesses(home).filter(({ role, city }) => role === "primary" && city !== null);
  const cities = servers.map(({ city, url }) => [city!, url] as const);
  const ofCatalog = nodesOf(topology, "catalog");
  const names = catalogNames(ofCatalog.map(({ name }) => name));
  const nodes = ofCatalog.map(({ database }, index) => [names[index]!, database] as const);
  const withPassword = (url: string) => Object.assign(new URL(url), { username: SUPERUSER, password }).href;
  return new Map([...cities, ...nodes].map(([name, url]) => [name, withPassword(url)]));
}

function openAll(urls: ReadonlyMap<string, string>): Map<string, Database> {
  return new Map(
    [...urls].map(([city, url]) => [
      city,
      openDatabase({
        url,
        applicationName: "verify",
        connections: 1,
        statementTimeoutMs: STATEMENT_TIMEOUT_MS,
      }),
    ]),
  );
}
