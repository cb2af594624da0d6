/**
 * Metrics for Prometheus. Each service gets a registry of its own, because tests run several services in one
 * process and a global registry would mix their numbers.
 */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { collectDefaultMetrics, Gauge, Registry } from "prom-client";

export { Registry } from "prom-client";

/** The path of a service's metrics, in Prometheus' text format. */
export const METRICS_PATH = "/metrics";

/**
 * Durations of one step between services, in seconds: a durable write takes 1 to 5 ms, a message's deadline
 * is 1 s, a client waits 4 s at most. Each bucket is 2 to 2.5 times the one before, so a quantile read from
 * them is off by a factor of 2.5 at most.
 */
export const LATENCY_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** Entries of a batch, from alone to the most that a service accepts. */
export const BATCH_BUCKETS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];

/** A registry with the metrics of this process: memory, CPU, garbage collection, event loop delay. */
export function createProcessRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}

/** Adds a gauge that is read at each scrape, and absent while it is null: any number would be wrong. */
export function addGauge(
  registry: Registry,
  name: string,
  help: string,
  read: () => number | null | Promise<number | null>,
): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    async collect() {
      const value = await read();
      if (value === null) this.remove();
      else this.set(value);
    },
  });
}

/** The same with one label: a value for each of the label's values that are there at the moment. */
export function addGauges(
  registry: Registry,
  { name, help, label }: { name: string; help: string; label: string },
  read: () => Iterable<readonly [string, number]> | Promise<Iterable<readonly [string, number]>>,
): void {
  new Gauge({
    name,
    help,
    labelNames: [label],
    registers: [registry],
    async collect() {
      const values = await read();
      this.reset();
      for (const [labelled, value] of values) this.set({ [label]: labelled }, value);
    },
  });
}

/**
 * Serves the registry. It holds counts and times, never an id, a name or an address.
 * @param isAllowed for all others the page does not exist; everyone by default
 */
export function addMetrics(
  app: FastifyInstance,
  registry: Registry,
  isAllowed: (request: FastifyRequest) => boolean = () => true,
): void {
  app.get(METRICS_PATH, async (request, reply) => {
    if (!isAllowed(request)) return reply.callNotFound();
    reply.header("content-type", registry.contentType);
    return registry.metrics();
  });
}

/**
 * One reading for all gauges that are collected at the same time. Callers share a reading that is under way.
 * So scrapes cannot pile up on something that hangs, and none waits for longer than the limit. The function
 * that it returns never rejects: it gives null if the reading failed.
 * @param delay resolves after so many milliseconds
 * @param onFailure called once for each reading that failed or took too long
 */
export function shareReading<Value>(
  take: () => Promise<Value>,
  { limitMs, delay, onFailure }: { limitMs: number; delay: Delay; onFailure: (error: unknown) => void },
): () => Promise<Value | null> {
  let underWay: Promise<Value> | undefined;
  let shared: Promise<Value | null> | undefined;

  const readOnce = async (): Promise<Value | null> => {
    const limit = new AbortController();
    try {
      // The next caller waits for a hanging reading too, instead of starting a second one.
      underWay ??= take().finally(() => {
        underWay = undefined;
      });
      const late = delay(limitMs, limit.signal).then(() => {
        throw new Error(`took more than ${limitMs} ms`);
      });
      return await Promise.race([underWay, late]);
    } catch (error) {
      onFailure(error);
      return null;
    } finally {
      limit.abort();
    }
  };
  return () => {
    shared ??= readOnce().finally(() => {
      shared = undefined;
    });
    return shared;
  };
}

type Delay = (milliseconds: number, signal: AbortSignal) => Promise<void>;
