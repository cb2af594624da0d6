/** `npm run topology -- check FILE`: asks the cities that run about a topology before it is put into use. */
import { readFile } from "node:fs/promises";
import { createTransport } from "@teranga/kit/http/transport.ts";
import { runMain, StartupError } from "@teranga/kit/process/config.ts";
import { loadTopology, partitionsOf } from "@teranga/kit/topology/topology.ts";
import { askPartition, type Verdict } from "@teranga/kit/topology/topology-agreement.ts";
import { clusterVariables } from "./config.ts";
import { pathsOf } from "./home.ts";
import { askedHome } from "./last-home.ts";
import { textTable } from "./text-table.ts";

const usage = {
  command: "npm run topology",
  about: "Asks each city of a topology file what it says of it; nothing changes.",
  options: { "check FILE": "The topology file. Exit code 1 if a city refuses it or does not answer." },
  variables: clusterVariables.pick({ TERANGA_HOME: true }),
};

await runMain(usage, async () => {
  const words = process.argv.slice(2);
  const [command, file] = words;
  if (command !== "check" || file === undefined || words.length > 2)
    throw new StartupError(`${["topology", ...words].join(" ")}: there is only check FILE`);
  const { partitions } = partitionsOf(await loadTopology(file), "city");
  const { send, close } = createTransport({ credential: await credential(), isService: true });
  try {
    const verdicts = await Promise.all(
      partitions.map((city) => askPartition(city, partitions, send, "owns")),
    );
    const rows = partitions.map(({ id }, index) => [id, inWords(verdicts[index]!)]);
    process.stdout.write(`${textTable([["CITY", "SAYS"], ...rows])}\n`);
    const isTaken = verdicts.every(({ kind }) => kind === "keeps" || kind === "accepts");
    process.exitCode = isTaken ? 0 : 1;
  } finally {
    await close();
  }
});

/** The services' credential: from the environment, else that of the cluster in the home. */
async function credential(): Promise<string> {
  if (process.env.SERVICE_CREDENTIAL) return process.env.SERVICE_CREDENTIAL;
  const file = pathsOf(await askedHome(process.env)).credential;
  const kept = await readFile(file, "utf8").catch(() => "");
  if (kept === "")
    throw new StartupError(`SERVICE_CREDENTIAL is not set, and no cluster has been here (${file})`);
  return kept.trim();
}

function inWords(verdict: Verdict): string {
  switch (verdict.kind) {
    case "keeps":
      return "goes by it";
    case "accepts":
      return "could go by it";
    case "refuses":
      return `refuses it: ${verdict.reason}`;
    case "silent":
      return "does not answer";
    default:
      return verdict satisfies never;
  }
}
