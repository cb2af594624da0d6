/**
 * `npm start`: runs the cluster until a stop request (Ctrl-C, SIGTERM, a closed terminal) or a fault of its
 * own. In both cases it stops everything in order. Configured by the environment (config.ts).
 */
import { runMain } from "@teranga/kit/process/config.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import { systemClock } from "@teranga/kit/process/retry.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { clusterVariables, readClusterConfig } from "./config.ts";
import { createConsoleLog } from "./console-log.ts";
import { runningSupervisor } from "./home.ts";
import { rememberHome } from "./last-home.ts";
import { stopLeftovers } from "./leftovers.ts";
import { endsWithin } from "./process.ts";
import { listenForStop } from "./stop-request.ts";
import { welcome } from "./welcome.ts";

const END_NOW_MS = 3_000;

const usage = {
  command: "npm start",
  about: "Runs the whole cluster on this machine until it is told to stop.",
  variables: clusterVariables,
};

await runMain(usage, async () => {
  const startedMs = performance.now();
  // A local cluster runs in development mode unless the environment says otherwise.
  process.env.NODE_ENV ||= "development";
  const config = readClusterConfig(process.env);
  const log = createConsoleLog((line) => process.stdout.write(line));
  let cluster: Cluster | undefined;
  const insist = () => {
    // A cluster that has started stops in bounded time, so an impatient Ctrl-C must not cut that short.
    if (!cluster) void endNow(config.home, log);
  };
  const stop = listenForStop(insist, systemClock);
  const say = (line: string) => process.stdout.write(`${line}\n`);
  say(`Starting the cluster in ${config.home} …`);
  try {
    cluster = await startCluster({ ...config, log, signal: stop.signal, onProgress: say });
    await rememberHome(config.home);
  } catch (error) {
    if (stop.signal.aborted) process.exit(stop.exitCode());
    throw error;
  }
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
  process.stdout.write(
    welcome(cluster.processes(), cluster.gatewayUrl, `Ready in ${seconds} s. Ctrl-C stops it.`),
  );
  if (!stop.signal.aborted) await new Promise((resolve) => stop.signal.addEventListener("abort", resolve));
  process.stdout.write("\nStopping …\n");
  await cluster.stop();
  process.stdout.write("Stopped.\n");
  process.exit(stop.exitCode());
});

/**
 * For a start that hangs after a stop request: ends the processes that it has started, as far as possible,
 * then this process.
 */
async function endNow(home: string, log: Logger): Promise<void> {
  process.stderr.write("The start does not give up in order: ending it now.\n");
  const stopOwn = async () => {
    const owner = await runningSupervisor(home);
    if (owner?.pid === process.pid) await stopLeftovers(home, log);
  };
  await endsWithin(stopOwn(), END_NOW_MS).catch(() => false);
  // process.exit() would wait for file operations under way, which may be what hangs.
  process.kill(process.pid, "SIGKILL");
}
