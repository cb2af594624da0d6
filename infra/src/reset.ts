/** `npm run reset`: asks, then wipes the cluster's home with all its data. Refused while the cluster runs. */
import { createInterface } from "node:readline/promises";
import { runMain, StartupError } from "@teranga/kit/process/config.ts";
import { clusterVariables, readClusterConfig } from "./config.ts";
import { createConsoleLog } from "./console-log.ts";
import { wipeHome } from "./wipe-home.ts";

const usage = {
  command: "npm run reset",
  about: "Wipes the cluster's home with all its data, after asking.",
  options: { "--yes": "Does not ask." },
  variables: clusterVariables.pick({ TERANGA_HOME: true }),
};

await runMain(usage, async () => {
  const { home } = readClusterConfig(process.env);
  const log = createConsoleLog((line) => process.stderr.write(line));
  const outcome = await wipeHome(
    home,
    log,
    async () => process.argv.includes("--yes") || (await askPerson(home)),
  );
  const said = {
    wiped: `Wiped ${home}.`,
    nothing: `Nothing to wipe in ${home}.`,
    kept: "Nothing was wiped.",
  };
  process.stdout.write(`${said[outcome]}\n`);
});

/** @throws StartupError if there is no terminal to ask on */
async function askPerson(home: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new StartupError(`There is no terminal to ask on. To wipe ${home} all the same: --yes`);
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const answer = await terminal.question(`Wipe ${home}, with all its data? [y/N] `);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
