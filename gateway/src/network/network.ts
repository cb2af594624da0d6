/**
 * The network: a way to ask each placement of the topology. The ways belong to a topology and are replaced
 * with it. The state of an endpoint (its breaker, its connections) belongs to its URL and stays.
 *
 *   ask ── refused at once? ── shared with a query under way? (shared-requests.ts)
 *                                └─ the instances in turn (kit/src/instances)
 */

import {
  type Reader,
  type Send,
  type SubgraphRequest,
  type SubgraphResponse,
  TransportError,
} from "@teranga/kit/http/transport.ts";
import {
  type Asked,
  type AskingTerms,
  askInstances,
  refusedAtOnce,
} from "@teranga/kit/instances/ask-instances.ts";
import type { Circuit } from "@teranga/kit/instances/breaker.ts";
import type { CircuitChange, Endpoint } from "@teranga/kit/instances/endpoint.ts";
import { Instances } from "@teranga/kit/instances/instances.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import { type StartTimer, startRealTimer } from "@teranga/kit/process/timer.ts";
import { inSpan } from "@teranga/kit/process/tracing.ts";
import { NOT_READ, READ_AFTER_HEADER } from "@teranga/kit/reads/read-headers.ts";
import type { PartitionOf } from "@teranga/kit/topology/partition.ts";
import type { Placement } from "@teranga/kit/topology/topology.ts";
import type { Holding } from "../ground/answer-room.ts";
import type { ReadAfter, Reads } from "../session/read-after.ts";
import { attributesOf, type FetchRecord, recordOf } from "./fetch-record.ts";
import { type SharedAsked, SharedRequests, type Writes } from "./shared-requests.ts";

/** The placements of one topology. It never changes: a request keeps the network with which it began. */
export interface Network {
  placements: ReadonlyMap<string, LivePlacement>;
  /** The places that take part in clients' sessions, by name. */
  reads: ReadonlyMap<string, Reads>;
}

export type LivePlacement =
  | {
      kind: "replicas";
      subgraph: string;
      ask: Ask;
      /** The node that is asked first at the moment. Undefined if the replicas share their data. */
      nearestNode?: (() => string) | undefined;
    }
  | {
      kind: "partitions";
      subgraph: string;
      /** In the topology's order. */
      partitionIds: readonly string[];
      partitionOf: PartitionOf;
      ask: ReadonlyMap<string, Ask>;
    };

export type ReplicaNetwork = Extract<LivePlacement, { kind: "replicas" }>;
export type PartitionNetwork = Extract<LivePlacement, { kind: "partitions" }>;

/** @throws TransportError of the last instance that was tried */
export type Ask = (request: SubgraphRequest, terms: AskTerms) => Promise<SubgraphAnswer>;

export interface AskTerms {
  /** True for a query: it may be repeated and shared. */
  mayRepeat: boolean;
  headers: Record<string, string>;
  /** How old the answer may be. Undefined if the place takes no part in sessions. */
  after?: ReadAfter | undefined;
  /** On the clock of `nowMs`. All attempts together must keep it. */
  deadlineAtMs: number;
  /**
   * The client's answer that this is for: an answer takes its turn once (answering.ts). By default an answer
   * of its own.
   */
  asker?: object;
  /** Bounds what is read for the request; no bound by default. */
  holding?: Holding | undefined;
  onFetched?: ((fetch: FetchRecord) => void) | undefined;
}

export interface SubgraphAnswer extends SubgraphResponse {
  /** Other requests get this same object, so it must not be changed. */
  shared: boolean;
}

/** Hears what happens on the network, for counting. */
export interface NetworkObserver {
  fetched?(fetch: FetchRecord): void;
  circuitChanged?(change: CircuitChange): void;
}

/** The breaker of one instance of a placement. */
export interface CircuitView {
  subgraph: string;
  partition?: string;
  url: string;
  state: Circuit["kind"];
}

export interface NetworkDependencies {
  send: Send;
  /** Monotonic milliseconds. */
  nowMs: () => number;
  /** A number in [0, 1), for the jitter of probes. `Math.random` by default. */
  random?: () => number;
  /** Logs which endpoints do not answer. No log by default. */
  log?: Logger;
  /** Whether equal queries that are under way share one request. True by default. */
  shareQueries?: boolean;
  observer?: NetworkObserver | undefined;
  /** The timer for probes of open circuits and for waiting on another's request. Real time by default. */
  startTimer?: StartTimer;
}

export interface Networks {
  /**
   * The network of these placements, which take part in sessions as `reads` says. Endpoints that are in none
   * of them are no longer probed. Running requests finish as they do.
   */
  update(placements: Iterable<Placement>, reads?: Network["reads"]): Network;
  /** The breakers of the last update's placements, for display. */
  circuits(): CircuitView[];
  /** Stops all probes. The owner of the transport closes the connections. */
  close(): Promise<void>;
}

/** One partition, or all replicas: the endpoints that can give the same answers. */
interface Place {
  subgraph: string;
  partition?: string;
  endpoints: readonly Endpoint[];
  ask: Ask;
}

export function createNetworks(dependencies: NetworkDependencies): Networks {
  const { send, nowMs, log, observer, shareQueries = true } = dependencies;
  const { random = Math.random, startTimer = startRealTimer } = dependencies;
  const writes: Writes = { ended: 0 };
  const onCircuit = (change: CircuitChange) => observer?.circuitChanged?.(change);
  const instances = new Instances({ send, clock: { nowMs, random }, startTimer, log, onCircuit });
  let places = new Map<string, Place>();

  const placeOf = (
    key: string,
    urls: readonly string[],
    where: Pick<Place, "subgraph" | "partition">,
  ): Place => {
    const known = places.get(key);
    if (known) return known;
    const endpoints = instances.of(urls);
    const shared = shareQueries ? new SharedRequests(writes, nowMs, startTimer) : undefined;
    const ask = createAsk({ ...where, endpoints, writes, shared, nowMs, observer });
    return { ...where, endpoints, ask };
  };

  return {
    update(placements, reads = new Map()) {
      const kept = new Map<string, Place>();
      const keep: KeepPlace = (urls, where) => {
        const key = JSON.stringify([where.subgraph, where.partition, urls]);
        const place = placeOf(key, urls, where);
        kept.set(key, place);
        return place;
      };
      const live = Array.from(placements, (placement) => livePlacement(placement, keep));
      places = kept;
      instances.keep([...kept.values()].flatMap(({ endpoints }) => endpoints.map(({ url }) => url)));
      return { placements: new Map(live.map((placement) => [placement.subgraph, placement])), reads };
    },
    circuits: () =>
      [...places.values()].flatMap(({ subgraph, partition, endpoints }) =>
        endpoints.map(({ url, state }) => ({
          subgraph,
          ...(partition !== undefined && { partition }),
          url,
          state,
        })),
      ),
    close: () => instances.close(),
  };
}

type KeepPlace = (urls: readonly string[], where: Pick<Place, "subgraph" | "partition">) => Place;

function livePlacement(placement: Placement, keep: KeepPlace): LivePlacement {
  const { subgraph } = placement;
  switch (placement.kind) {
    case "replicas":
      return { kind: "replicas", subgraph, ...liveReplicas(placement, keep(placement.urls, { subgraph })) };
    case "partitions": {
      const { partitions, partitionOf } = placement;
      const asks = partitions.map(
        ({ id, urls }) => [id, keep(urls, { subgraph, partition: id }).ask] as const,
      );
      const partitionIds = partitions.map(({ id }) => id);
      return { kind: "partitions", subgraph, partitionIds, partitionOf, ask: new Map(asks) };
    }
    default:
      return placement satisfies never;
  }
}

function liveReplicas({ nodes }: Extract<Placement, { kind: "replicas" }>, { ask, endpoints }: Place) {
  if (!nodes) return { ask };
  const isAsked = (url: string) => endpoints.some((each) => each.url === url && each.state === "closed");
  return { ask, nearestNode: () => (nodes.find(({ url }) => isAsked(url)) ?? nodes[0]!).name };
}

interface AskMeans {
  subgraph: string;
  partition?: string;
  endpoints: readonly Endpoint[];
  writes: Writes;
  shared: SharedRequests | undefined;
  nowMs: () => number;
  observer: NetworkObserver | undefined;
}

function createAsk(means: AskMeans): Ask {
  const { endpoints, writes, shared, nowMs, observer } = means;

  const askOnce = (request: SubgraphRequest, terms: AskTerms, beganMs: number): Promise<SharedAsked> => {
    const refused = refusedAtOnce(endpoints, terms.deadlineAtMs, beganMs);
    if (refused) return Promise.resolve(alone(refused));
    const { asker = terms, holding, after, deadlineAtMs, mayRepeat } = terms;
    const headers = after ? { ...terms.headers, [READ_AFTER_HEADER]: after.header } : terms.headers;
    const sent = withBody(request);
    const asking = { repeat: mayRepeat ? "anywhere" : "never", headers, deadlineAtMs, nowMs, read } as const;
    const begin = (reader?: Reader) => askInstances(endpoints, sent, { ...asking, reader });
    if (mayRepeat && shared)
      return shared.run({ body: sent.body, headers, after, deadlineAtMs, asker, holding }, begin);
    if (mayRepeat) return begin(holding).then(alone);
    // Whatever the outcome: the mutation may have been carried out.
    return begin(holding)
      .then(alone)
      .finally(() => writes.ended++);
  };

  return (request, terms) =>
    inSpan("gateway.fetch", {}, async (span) => {
      const beganMs = nowMs();
      const result = await askOnce(request, terms, beganMs);
      const fetch = recordOf(means, result, { durationMs: nowMs() - beganMs, after: terms.after });
      if (span.isRecording()) span.setAttributes(attributesOf(fetch));
      observer?.fetched?.(fetch);
      terms.onFetched?.(fetch);
      const { asked, isShared } = result;
      if (asked.kind === "failed") throw asked.error;
      return Object.assign(asked.answer, { shared: isShared });
    });
}

function alone(asked: Asked): SharedAsked {
  return { asked, isJoined: false, isShared: false };
}

/** The body is made once, for all attempts. */
function withBody({ query, operationName, variables, body }: SubgraphRequest) {
  return {
    query,
    operationName,
    variables,
    body: body ?? JSON.stringify({ query, operationName, variables }),
  };
}

/**
 * Any GraphQL answer will do here, the sources know what they have asked for: but that of a node which lacks
 * what the client has seen. Another one may have it.
 */
const read: AskingTerms<SubgraphResponse>["read"] = (answer) => {
  if (answer.notes?.readFrom !== NOT_READ) return answer;
  throw new TransportError("refused", "has not received yet what the client has seen", {
    fault: "not-theirs",
  });
};
