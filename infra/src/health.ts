/** Whether a service or a database answers now. */
import { setTimeout as sleep } from "node:timers/promises";

/** A healthy service answers /health/ready within a few milliseconds; its own database check is bounded by seconds. */
const PROBE_TIMEOUT_MS = 2_000;
const PROBE_INTERVAL_MS = 50;

/** Whether the service at this GraphQL endpoint says that it can do its work. */
export async function isServiceReady(endpoint: string): Promise<boolean> {
  try {
    const response = await fetch(new URL("/health/ready", endpoint), {
      signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
    });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

/** Probes until ready; false if `giveUp` says so first. */
export async function untilServiceReady(endpoint: string, giveUp: () => boolean): Promise<boolean> {
  while (!giveUp()) {
    if (await isServiceReady(endpoint)) return true;
    await sleep(PROBE_INTERVAL_MS);
  }
  return false;
}
