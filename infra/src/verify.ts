/** `npm run verify`: checks every invariant in the databases of the cluster that runs. */
import { readFile } from "node:fs/promises";
import { type Database, openDatabase } from "@teranga/kit/postgres/database.ts";
import { runMain, StartupError } from "@teranga/kit/process/config.ts";
import { brokenInvariants, countUnfinished } from "./broken-invariants.ts";
import { clusterVariables } from "./config.ts";
import { pathsOf, runningSupervisor } from "./home.ts";
import { askedHome } from "./last-home.ts";
import { readProcesses } from "./state.ts";

/** Long, because a rule reads whole tables. */
const STATEMENT_TIMEOUT_MS = 600_000;

const usage = {
  command: "npm run verify",
  about: "Holds the cities' databases against every invariant, each alone and all against one another.",
  options: {
    "CITY=URL ...":
      "The databases; those of the cluster in the home if none is named. Exit code 1 if a rule is broken.",
  },
  variables: clusterVariables.pick({ TERANGA_HOME: true }),
};

await runMain(usage, async () => {
  const args = process.argv.slice(2);
  const databases = openAll(args.length > 0 ? namedUrls(args) : await urlsOfHome());
  const cities = new Map([...databases].map(([city, { sql }]) => [city, sql]));
  try {
    const broken = await brokenInvariants(cities);
    for (const line of broken) process.stdout.write(`! ${line}\n`);
    let unfinished = 0;
    for (const sql of cities.values())
      for (const count of Object.values(await countUnfinished(sql))) unfinished += count;
    const verdict = broken.length === 0 ? "Every invariant holds" : "Invariants are broken";
    process.stdout.write(`${verdict}: ${[...cities.keys()].join(", ")}. Under way: ${unfinished}.\n`);
    process.exitCode = broken.length === 0 ? 0 : 1;
  } finally {
    await Promise.all([...databases.values()].map(({ close }) => close()));
  }
});

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
  const servers = readProcesses(home).filter(({ role, city }) => role === "primary" && city !== null);
  return new Map(servers.map(({ city, url }) => [city!, Object.assign(new URL(url), { password }).href]));
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
