/** `npm start`: runs the cluster until it is told to stop (Ctrl-C, SIGTERM). Configured by the environment (config.ts). */
import { runMain } from "@teranga/kit/config.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { readClusterConfig } from "./config.ts";
import { createConsoleLog } from "./console-log.ts";
import { welcome } from "./welcome.ts";

await runMain(async () => {
  const startedMs = performance.now();
  const config = readClusterConfig(process.env);
  const log = createConsoleLog((line) => process.stdout.write(line));
  const stop = stopSignal();
  process.stdout.write(`Starting the cluster in ${config.home} …\n`);
  let cluster: Cluster;
  try {
    cluster = await startCluster({ ...config, log, signal: stop.signal });
  } catch (error) {
    if (stop.signal.aborted) process.exit(0);
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
  process.exit(0);
});

/** Aborted by the first signal; more of them change nothing, so that an impatient Ctrl-C cannot cut the stop short. */
function stopSignal(): AbortController {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stop.abort());
  return stop;
}
