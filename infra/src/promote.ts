/** `npm run promote -- CITY`: makes a replica the primary of a city's database in the cluster that runs. */
import { runMain, StartupError } from "@teranga/kit/process/config.ts";
import { clusterVariables } from "./config.ts";
import { askedHome } from "./last-home.ts";
import { askSupervisor } from "./requests.ts";

const usage = {
  command: "npm run promote",
  about: "Makes a replica the primary of a database, and the old primary its replica.",
  options: { CITY: "The city's id, or `catalog`." },
  variables: clusterVariables.pick({ TERANGA_HOME: true }),
};

await runMain(usage, async () => {
  const words = process.argv.slice(2);
  const [database] = words;
  if (!database || database.startsWith("-") || words.length > 1)
    throw new StartupError(`${["promote", ...words].join(" ")}: say one CITY, or catalog`);
  const home = await askedHome(process.env);
  process.stdout.write(`${await askSupervisor(home, "promote", database)}\n`);
});
