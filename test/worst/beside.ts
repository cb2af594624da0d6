/** What a small request takes beside clients whose requests are dear. */
import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { percentile } from "../bench/statistics.ts";

/**
 * A probe is sent so often, whether those before are answered or not: what they wait is what somebody who
 * comes then waits.
 */
const PROBE_MS = 20;

export interface Beside {
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
  probes: number;
  /** Requests of the clients that were answered, by status. */
  answers: Map<number, number>;
}

/** @param query with `a0:` before its first field */
export async function latencyBeside(
  port: number,
  query: string,
  { clients, durationMs }: { clients: number; durationMs: number },
): Promise<Beside> {
  const ask = createAsk(port);
  const endMs = performance.now() + durationMs;
  const answers = new Map<number, number>();
  let sent = 0;
  const attack = async () => {
    while (performance.now() < endMs) {
      const status = await ask(query.replace("a0:", `a${process.pid}_${sent++}:`));
      answers.set(status, (answers.get(status) ?? 0) + 1);
    }
  };
  const attacks = Promise.all(Array.from({ length: clients }, attack));
  const probes: Promise<number>[] = [];
  for (let dueMs = performance.now(); dueMs < endMs; dueMs += PROBE_MS) {
    await sleep(Math.max(0, dueMs - performance.now()));
    probes.push(ask("{ __typename }").then(() => performance.now() - dueMs));
  }
  const latenciesMs = await Promise.all(probes);
  await attacks;
  return {
    p50Ms: percentile(latenciesMs, 0.5),
    p99Ms: percentile(latenciesMs, 0.99),
    maxMs: Math.max(...latenciesMs),
    probes: latenciesMs.length,
    answers,
  };
}

/** Gives the answer's status once all of it has come. */
export function createAsk(port: number): (query: string) => Promise<number> {
  const agent = new Agent({ keepAlive: true });
  const options = { agent, host: "127.0.0.1", port, path: "/graphql", method: "POST" };
  const headers = { "content-type": "application/json" };
  return (query) =>
    new Promise((resolve, reject) => {
      request({ ...options, headers }, (response) => {
        response.resume().once("end", () => resolve(response.statusCode!));
        response.once("error", reject);
      })
        .once("error", reject)
        .end(JSON.stringify({ query }));
    });
}
