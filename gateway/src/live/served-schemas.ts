/**
 * The schemas that the services serve. Every instance is asked for its SDL. The last SDL of each is kept,
 * because a service that is down for a moment has not changed its schema. An instance that never answered is
 * left out until it does.
 *
 * A round asks all instances once, those first that were asked longest ago, a few at a time and with pauses.
 * 32 instances a second take about 1 % of a core. So a round over a thousand cities takes half a minute, and
 * clients notice nothing.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Send, TransportError } from "@teranga/kit/http/transport.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import type { Topology } from "@teranga/kit/topology/topology.ts";
import type { ServedSdl } from "../composition/common-schema.ts";
import { readSdl } from "../composition/sdl-model.ts";

const SDL_QUERY = "{ _service { sdl } }";
/** Services read the SDL from memory. An instance that takes longer is as good as down. */
const SDL_DEADLINE_MS = 2_000;
/** Our own have 35 thousand characters. */
const SDL_LENGTH_MAX = 2_000_000;
const SLICE_SIZE = 16;
const SLICE_PAUSE_MS = 500;
/** At the start no clients are kept waiting, and each dead instance costs its deadline. */
const FIRST_SLICE_SIZE = 64;

/** One instance of a service. */
interface Instance {
  subgraph: string;
  /**
   * Its name for people: the partition or subgraph, with its position in the list if there are several
   * instances.
   */
  label: string;
  url: string;
  sdl: string | undefined;
  /** Why an instance that answers does not tell its SDL; undefined if it does. */
  fault: string | undefined;
  askedAtMs: number;
}

export interface ServedSchemasOptions {
  send: Send;
  log: Logger;
  nowMs: () => number;
  /** Resolves after `ms` milliseconds, or rejects when the signal comes. Real time by default. */
  delay?: ((ms: number, signal: AbortSignal) => Promise<unknown>) | undefined;
}

export class ServedSchemas {
  readonly #send: Send;
  readonly #log: Logger;
  readonly #nowMs: () => number;
  readonly #delay: (ms: number, signal: AbortSignal) => Promise<unknown>;
  /** By subgraph, partition and URL, in the topology's order. */
  #instances = new Map<string, Instance>();

  constructor({ send, log, nowMs, delay }: ServedSchemasOptions) {
    this.#send = send;
    this.#log = log;
    this.#nowMs = nowMs;
    this.#delay = delay ?? ((ms, signal) => sleep(ms, undefined, { signal }));
  }

  /** Continues with the instances of this topology. The SDL of all others is forgotten. */
  setTopology(topology: Topology): void {
    const before = this.#instances;
    this.#instances = new Map();
    for (const { subgraph, label, url, owner } of instancesOf(topology)) {
      const key = `${subgraph} ${owner} ${url}`;
      const known = before.get(key);
      const fresh = { sdl: undefined, fault: undefined, askedAtMs: Number.NEGATIVE_INFINITY };
      // The object stays the same, so that a running request finds it.
      this.#instances.set(key, Object.assign(known ?? fresh, { subgraph, label, url }));
    }
  }

  /** The known SDL of a subgraph's instances. Empty if none has answered yet. */
  of(subgraph: string): ServedSdl[] {
    return [...this.#instances.values()].flatMap((instance) =>
      instance.subgraph === subgraph && instance.sdl !== undefined
        ? [{ partition: instance.label, sdl: instance.sdl }]
        : [],
    );
  }

  /** Why the answering services of a subgraph are of no use, if that is known. */
  faultOf(subgraph: string): string | undefined {
    return [...this.#instances.values()].find((instance) => instance.subgraph === subgraph && instance.fault)
      ?.fault;
  }

  /** Asks the instances that have never answered, without pauses. */
  async askUnheard(signal: AbortSignal): Promise<void> {
    const unheard = [...this.#instances.values()].filter(({ sdl }) => sdl === undefined);
    for (let at = 0; at < unheard.length && !signal.aborted; at += FIRST_SLICE_SIZE) {
      await Promise.all(unheard.slice(at, at + FIRST_SLICE_SIZE).map((instance) => this.#ask(instance)));
    }
  }

  /**
   * Asks every instance once.
   * @param onChanged called and awaited after each slice in which an SDL has changed
   * @param signal ends the round early; the next round begins with the instances that were left
   */
  async round(onChanged: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const byTurn = [...this.#instances.values()].sort((one, other) => one.askedAtMs - other.askedAtMs);
    for (let at = 0; at < byTurn.length && !signal.aborted; at += SLICE_SIZE) {
      if (at > 0) await this.#pause(signal);
      if (signal.aborted) return;
      const changes = await Promise.all(
        byTurn.slice(at, at + SLICE_SIZE).map((instance) => this.#ask(instance)),
      );
      if (changes.includes(true)) await onChanged();
    }
  }

  async #pause(signal: AbortSignal): Promise<void> {
    try {
      await this.#delay(SLICE_PAUSE_MS, signal);
    } catch {
      // The pause was aborted by the signal, and the caller continues.
    }
  }

  /** Whether the instance serves another SDL than before. */
  async #ask(instance: Instance): Promise<boolean> {
    instance.askedAtMs = this.#nowMs();
    try {
      const sdl = await readServedSdl(instance.url, this.#send);
      // The text must be valid SDL before it is used.
      if (!this.#isServed(sdl)) readSdl(sdl);
      instance.fault = undefined;
      if (sdl === instance.sdl) return false;
      instance.sdl = this.#sameText(sdl);
      return true;
    } catch (error) {
      if (error instanceof TransportError) return false;
      const fault = `A service of "${instance.subgraph}" does not tell its schema: ${firstLine(error)}`;
      if (fault !== instance.fault) this.#log.error({ instance: instance.label }, fault);
      instance.fault = fault;
      return false;
    }
  }

  #isServed(sdl: string): boolean {
    return [...this.#instances.values()].some((instance) => instance.sdl === sdl);
  }

  /** All instances with equal SDL share one string: a thousand cities must not keep a thousand copies. */
  #sameText(sdl: string): string {
    return [...this.#instances.values()].find((instance) => instance.sdl === sdl)?.sdl ?? sdl;
  }
}

function* instancesOf({ placements }: Topology) {
  for (const placement of placements.values()) {
    const { subgraph } = placement;
    const owners =
      placement.kind === "replicas" ? [{ id: subgraph, urls: placement.urls }] : placement.partitions;
    for (const { id, urls } of owners) {
      for (const [index, url] of urls.entries()) {
        const label = urls.length === 1 ? id : `${id} (${index + 1})`;
        yield { subgraph, owner: id, label, url };
      }
    }
  }
}

/** @throws TransportError if there is no answer, Error if the answer is of no use */
async function readServedSdl(url: string, send: Send): Promise<string> {
  const { data, errors } = await send(url, { query: SDL_QUERY }, { deadlineMs: SDL_DEADLINE_MS });
  const sdl = (data as { _service?: { sdl?: unknown } } | null | undefined)?._service?.sdl;
  if (typeof sdl !== "string") throw new Error(errors?.[0]?.message ?? "it has no _service");
  if (sdl.length > SDL_LENGTH_MAX) throw new Error(`it has ${sdl.length} characters`);
  return sdl;
}

function firstLine(error: unknown): string {
  return (error as Error).message.split("\n")[0]!;
}
