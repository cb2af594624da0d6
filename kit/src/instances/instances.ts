/**
 * The instances of services that this program asks, each with its circuit. An instance is known by its URL:
 * its circuit stays when the topology around it changes.
 *
 *   ask (ask.ts) ── the instances in turn (ask-instances.ts)
 *                      └─ an endpoint (endpoint.ts) ── its breaker (breaker.ts)
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Send } from "../http/transport.ts";
import type { Logger } from "../process/log.ts";
import type { Clock } from "../process/retry.ts";
import { type StartTimer, startRealTimer } from "../process/timer.ts";
import { type CircuitChange, Endpoint } from "./endpoint.ts";

export interface InstancesMeans {
  send: Send;
  /** Monotonic milliseconds; this process' by default. */
  clock?: Clock | undefined;
  /** The timer for probes of open circuits. Real time by default. */
  startTimer?: StartTimer | undefined;
  /** Logs which endpoints do not answer. No log by default. */
  log?: Logger | undefined;
  onCircuit?: ((change: CircuitChange) => void) | undefined;
}

export class Instances {
  readonly clock: Clock;
  readonly #means: InstancesMeans;
  readonly #endpoints = new Map<string, Endpoint>();
  /** Probes belong to no client's request, though one makes the endpoint. So their spans must not either. */
  readonly #outside = AsyncLocalStorage.snapshot();

  constructor(means: InstancesMeans) {
    this.#means = means;
    this.clock = means.clock ?? { nowMs: () => performance.now(), random: Math.random };
  }

  /** The endpoints of these URLs, in their order. */
  of(urls: Iterable<string>): readonly Endpoint[] {
    return Array.from(new Set(urls), (url) => {
      const { startTimer = startRealTimer, ...means } = this.#means;
      const all = { ...means, startTimer, clock: this.clock, outside: this.#outside };
      const endpoint = this.#endpoints.get(url) ?? new Endpoint(url, all);
      this.#endpoints.set(url, endpoint);
      return endpoint;
    });
  }

  /** Forgets all others: they are no longer probed. Their running requests finish as they do. */
  keep(urls: Iterable<string>): void {
    const kept = new Set(urls);
    for (const [url, endpoint] of this.#endpoints) {
      if (kept.has(url)) continue;
      this.#endpoints.delete(url);
      void endpoint.retire();
    }
  }

  /** Stops all probes. The owner of the transport closes the connections. */
  async close(): Promise<void> {
    await Promise.all(Array.from(this.#endpoints.values(), (endpoint) => endpoint.retire()));
  }
}
