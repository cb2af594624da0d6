/** `npm run status`: lists the cluster's processes with their health. `-- --json` is for programs. */
import { readFile } from "node:fs/promises";
import { runMain } from "@teranga/kit/process/config.ts";
import { clusterVariables } from "./config.ts";
import { pathsOf, runningSupervisor } from "./home.ts";
import { askedHome } from "./last-home.ts";
import { isRunning } from "./leftovers.ts";
import { readProcesses } from "./state.ts";
import { type ProcessStatus, statusOf } from "./status-of.ts";
import { textTable } from "./text-table.ts";

const usage = {
  command: "npm run status",
  about: "Says what of the cluster runs, how it is, and what a person should look at.",
  options: { "--json": "For programs (npm run -s status -- --json)." },
  variables: clusterVariables.pick({ TERANGA_HOME: true }),
};

await runMain(usage, async () => {
  const home = await askedHome(process.env);
  const supervisor = await runningSupervisor(home);
  // After a cluster was killed, its databases may still run. Only processes that still run are then listed.
  const records = readProcesses(home).filter((record) => supervisor !== undefined || isRunning(record));
  const password = (await readFile(pathsOf(home).postgresPassword, "utf8").catch(() => "")).trim();
  const processes = await statusOf(records, password);
  process.stdout.write(
    process.argv.includes("--json") ? `${JSON.stringify({ processes })}\n` : table(home, processes),
  );
});

function table(home: string, processes: readonly ProcessStatus[]): string {
  if (processes.length === 0) return `Nothing runs in ${home}.\n`;
  const rows = processes.map(({ name, city, role, following, health, pid, url }) => [
    name,
    city ?? "-",
    role === "replica" && following ? `replica, ${following.lagBytes} B behind` : (role ?? "-"),
    health,
    String(pid ?? "-"),
    url,
  ]);
  const notes = processes.flatMap(({ name, notes }) => notes.map((note) => `! ${name}: ${note}\n`));
  return [`${textTable([["NAME", "CITY", "ROLE", "HEALTH", "PID", "URL"], ...rows])}\n`, ...notes].join("");
}
