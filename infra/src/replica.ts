/**
 * `npm run replica -- add CITY`: adds a replica to a database of the cluster that runs, removes one, or
 * pauses the replay of its replicas.
 */
import { runMain, StartupError } from "@teranga/kit/process/config.ts";
import { clusterVariables } from "./config.ts";
import { askedHome } from "./last-home.ts";
import { askSupervisor } from "./requests.ts";

const usage = {
  command: "npm run replica",
  about: "Adds a streaming replica to a database of the cluster that runs, removes one, or pauses them.",
  options: {
    "add CITY": "The city's id, or `catalog`.",
    "remove CITY": "Removes the replica that was added last, with its data.",
    "pause CITY": "Its replicas show nothing of what is written from now on.",
    "resume CITY": "They show it again.",
  },
  variables: clusterVariables.pick({ TERANGA_HOME: true }),
};

const COMMANDS = ["add", "remove", "pause", "resume"] as const;

await runMain(usage, async () => {
  const words = process.argv.slice(2);
  const [word, database] = words;
  const command = COMMANDS.find((each) => each === word);
  if (!command || !database || words.length > 2)
    throw new StartupError(
      `${["replica", ...words].join(" ")}: there is only ${COMMANDS.join(", ")}, and a CITY`,
    );
  const home = await askedHome(process.env);
  process.stdout.write(`${await askSupervisor(home, command, database)}\n`);
});
