/** Asks a service or a database whether it answers now. */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { isPortOpen } from "./ports.ts";

/**
 * A healthy service answers /health/ready within milliseconds. Its own check of the database may take
 * seconds.
 */
const PROBE_TIMEOUT_MS = 2_000;
const PROBE_INTERVAL_MS = 50;

export interface ServiceHealth {
  /** Whether the service can do its work. */
  isReady: boolean;
  /** What a person should look at although the service is ready, a line each. */
  notes: readonly string[];
}

const healthAnswer = z.object({ notes: z.array(z.string()).default([]) });

/** What the service at this GraphQL endpoint says of its own health. */
export async function readHealth(endpoint: string): Promise<ServiceHealth> {
  try {
    const response = await fetch(new URL("/health/ready", endpoint), {
      signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
    });
    const { notes } = healthAnswer.parse(await response.json());
    return { isReady: response.ok, notes };
  } catch {
    return { isReady: false, notes: [] };
  }
}

/** Probes until the service is ready. Returns false if `giveUp` returns true first. */
export async function untilServiceReady(endpoint: string, giveUp: () => boolean): Promise<boolean> {
  const port = Number(new URL(endpoint).port);
  while (!giveUp()) {
    if ((await isPortOpen(port)) && (await readHealth(endpoint)).isReady) return true;
    await sleep(PROBE_INTERVAL_MS);
  }
  return false;
}
