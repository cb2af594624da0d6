/** The supergraph of the services that run: their SDL is asked of them, compared between partitions, and composed. */
import { setTimeout as sleep } from "node:timers/promises";
import { StartupError } from "@teranga/kit/config.ts";
import type { Logger } from "@teranga/kit/log.ts";
import { backoffMs, systemClock } from "@teranga/kit/retry.ts";
import type { Placement, Topology } from "@teranga/kit/topology.ts";
import { type Send, TransportError } from "@teranga/kit/transport.ts";
import { compose } from "@teranga/schema/compose.ts";
import { GraphQLError } from "graphql";

const SDL_QUERY = "{ _service { sdl } }";
/** The SDL is read from memory. Something that takes longer is treated as down for now, and compared later. */
const SDL_DEADLINE_MS = 2_000;
const RETRY = { firstMs: 100, maxMs: 1_000 };

/** One service that serves a subgraph's SDL: a partition, or all replicas of a subgraph together. */
interface SdlOrigin {
  subgraph: string;
  /** Undefined for replicas. */
  partition: string | undefined;
  urls: readonly string[];
}

/** A partition that was down when the graph was composed. */
export interface UncheckedPartition extends SdlOrigin {
  partition: string;
  /** What it has to serve. */
  expectedSdl: string;
}

export interface LiveComposition {
  supergraphSdl: string;
  unchecked: UncheckedPartition[];
}

export interface ComposeLiveOptions {
  topology: Topology;
  send: Send;
  log: Logger;
  /** How long to wait for every subgraph to have one service that answers. */
  waitMs: number;
}

/**
 * Composes the supergraph, waiting for the services to come up.
 * @throws StartupError if a subgraph does not answer in time, partitions differ, or the subgraphs do not fit together
 */
export async function composeLive(options: ComposeLiveOptions): Promise<LiveComposition> {
  const unchecked: UncheckedPartition[] = [];
  const subgraphs = await Promise.all(
    Array.from(options.topology.placements.values(), async (placement) => {
      const served = await waitForSdl(placement, options);
      const [first, ...others] = served.found;
      for (const other of others) {
        const difference = differenceBetween(first!, other);
        if (difference) throw new StartupError(difference);
      }
      for (const { subgraph, partition, urls } of served.missing) {
        if (partition) unchecked.push({ subgraph, partition, urls, expectedSdl: first!.sdl });
      }
      return { name: placement.subgraph, url: `http://${placement.subgraph}/graphql`, sdl: first!.sdl };
    }),
  );
  return { supergraphSdl: composeSubgraphs(subgraphs, options.log), unchecked };
}

/** Compares partitions that were down at the start, now. Logs a difference; returns those that still do not answer. */
export async function checkLate(
  unchecked: readonly UncheckedPartition[],
  send: Send,
  log: Logger,
): Promise<UncheckedPartition[]> {
  const still: UncheckedPartition[] = [];
  for (const late of unchecked) {
    const sdl = await readSdl(late, send);
    if (sdl === undefined) still.push(late);
    else if (sdl !== late.expectedSdl) {
      const expected = { subgraph: late.subgraph, partition: "the supergraph", sdl: late.expectedSdl };
      log.error(differenceBetween(expected, { ...late, sdl }));
    }
  }
  return still;
}

interface ServedSdl {
  found: (SdlOrigin & { sdl: string })[];
  missing: SdlOrigin[];
}

/** Asks until at least one origin answers. */
async function waitForSdl(
  placement: Placement,
  { send, log, waitMs }: ComposeLiveOptions,
): Promise<ServedSdl> {
  const endMs = performance.now() + waitMs;
  const origins = originsOf(placement);
  for (let attempt = 0; ; attempt++) {
    const sdls = await Promise.all(origins.map((origin) => readSdl(origin, send)));
    const found = origins.flatMap((origin, index) => {
      const sdl = sdls[index];
      return sdl === undefined ? [] : [{ ...origin, sdl }];
    });
    if (found.length > 0) return { found, missing: origins.filter((_, index) => sdls[index] === undefined) };
    const pauseMs = backoffMs(attempt, RETRY, systemClock);
    if (performance.now() + pauseMs > endMs) {
      const seconds = Math.round(waitMs / 1_000);
      throw new StartupError(
        `No service of the subgraph "${placement.subgraph}" answered within ${seconds} s`,
      );
    }
    if (attempt === 0) log.info({ subgraph: placement.subgraph }, "waiting for a service of the subgraph");
    await sleep(pauseMs);
  }
}

function originsOf(placement: Placement): SdlOrigin[] {
  const { subgraph } = placement;
  switch (placement.kind) {
    case "replicas":
      return [{ subgraph, partition: undefined, urls: placement.urls }];
    case "partitions":
      return placement.partitions.map(({ id, urls }) => ({ subgraph, partition: id, urls }));
    default:
      return placement satisfies never;
  }
}

/** The SDL of the first instance that answers; undefined if none does. */
async function readSdl({ subgraph, urls }: SdlOrigin, send: Send): Promise<string | undefined> {
  for (const url of urls) {
    try {
      const { data, errors } = await send(url, { query: SDL_QUERY }, { deadlineMs: SDL_DEADLINE_MS });
      const sdl = (data as { _service?: { sdl?: unknown } } | null | undefined)?._service?.sdl;
      if (typeof sdl === "string") return sdl;
      const reason = errors?.[0]?.message ?? "it has no _service";
      throw new StartupError(`A service of "${subgraph}" does not tell its schema: ${reason}`);
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
    }
  }
  return undefined;
}

type Served = { subgraph: string; partition: string | undefined; sdl: string };

/** A sentence with the first line that differs, or nothing if there is none. */
function differenceBetween(one: Served, other: Served): string | undefined {
  if (one.sdl === other.sdl) return undefined;
  const lines = one.sdl.split("\n");
  const otherLines = other.sdl.split("\n");
  let index = 0;
  while (index < lines.length && lines[index] === otherLines[index]) index++;
  const quote = (line: string | undefined) => (line === undefined ? "missing" : `"${line.trim()}"`);
  return (
    `All partitions of "${one.subgraph}" must serve the same schema, but ${other.partition} differs from ` +
    `${one.partition} at line ${index + 1}: ${quote(otherLines[index])} instead of ${quote(lines[index])}`
  );
}

function composeSubgraphs(subgraphs: Parameters<typeof compose>[0], log: Logger): string {
  try {
    const { supergraphSdl, hints } = compose(subgraphs);
    for (const hint of hints) log.warn({ hint }, "composition");
    return supergraphSdl;
  } catch (error) {
    if (error instanceof GraphQLError || error instanceof Error) {
      throw new StartupError(`The subgraphs do not fit together: ${error.message.replaceAll("\n", "; ")}`);
    }
    throw error;
  }
}
