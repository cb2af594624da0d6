/** Measures the latency of a small request beside clients with expensive requests. */
import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { percentile } from "../bench/statistics.ts";

/**
 * The interval of the probes. A probe is sent whether or not earlier ones are answered, so its wait is that
 * of a client who comes at that moment.
 */
const PROBE_MS = 20;

export interface Beside {
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
  probes: number;
  /** The answered requests of the clients, counted by status. */
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

/** Returns a function that sends a query and resolves to the status once the whole answer has come. */
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
