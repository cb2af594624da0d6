/** `npm run reset`: wipes the cluster's home, with all its data. Refused while the cluster runs. */
import { runMain } from "@teranga/kit/config.ts";
import { readClusterConfig } from "./config.ts";
import { createConsoleLog } from "./console-log.ts";
import { outliveTerminal } from "./terminal.ts";
import { wipeHome } from "./wipe-home.ts";

outliveTerminal();
await runMain(async () => {
  const { home } = readClusterConfig(process.env);
  const wiped = await wipeHome(
    home,
    createConsoleLog((line) => process.stderr.write(line)),
  );
  process.stdout.write(wiped ? `Wiped ${home}.\n` : `Nothing to wipe in ${home}.\n`);
});
