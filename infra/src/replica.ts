/** `npm run replica -- add CITY`: adds a replica to a database of the cluster that runs, or removes one. */
import { runMain, StartupError } from "@teranga/kit/process/config.ts";
import { clusterVariables } from "./config.ts";
import { askedHome } from "./last-home.ts";
import { askSupervisor } from "./requests.ts";

const usage = {
  command: "npm run replica",
  about: "Adds a streaming replica to a database of the cluster that runs, or removes one.",
  options: {
    "add CITY": "The city's id, or `catalog`.",
    "remove CITY": "Removes the replica that was added last, with its data.",
  },
  variables: clusterVariables.pick({ TERANGA_HOME: true }),
};

await runMain(usage, async () => {
  const words = process.argv.slice(2);
  const [command, database] = words;
  if ((command !== "add" && command !== "remove") || !database || words.length > 2)
    throw new StartupError(`${["replica", ...words].join(" ")}: there is only add CITY and remove CITY`);
  const home = await askedHome(process.env);
  process.stdout.write(`${await askSupervisor(home, command, database)}\n`);
});
