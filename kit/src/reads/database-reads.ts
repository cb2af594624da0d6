/**
 * Reads of a service that owns a database: whether a replica answers a request, and what the answer shows.
 *
 * A read on a replica: a replica that has replayed what the caller has seen → the statements → one look at
 * it, which shows that it is the same server still. If it is not, or if anything failed, the request is
 * carried out again on the primary, once.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { HeaderMap } from "@apollo/server";
import { codedError } from "../graphql/errors.ts";
import { DatabaseMembers, type MembersOptions } from "../postgres/database-members.ts";
import type { Registry } from "../process/metrics.ts";
import { startRealTimer, withinMs } from "../process/timer.ts";
import { type ChosenReplica, chooseReplica, type PrimaryReason } from "./choose-replica.ts";
import { type Peers, type Received, reach } from "./peers.ts";
import { comparePositions, laterPosition, type Position } from "./position.ts";
import {
  FROM_PRIMARY,
  NOT_READ,
  POSITIONS_HEADER,
  type PositionRange,
  parsePositions,
  parseWishes,
  printRanges,
  READ_FROM_HEADER,
} from "./read-headers.ts";
import { createReadMetrics } from "./read-metrics.ts";
import { isStill } from "./replica.ts";
import { type Replication, replicationOf } from "./replication.ts";
import type { Answer, ServiceReads } from "./service-reads.ts";

type Source = ChosenReplica | { kind: "primary"; reason: PrimaryReason; settled: Position | undefined };

/** One request that is served. */
interface Request {
  wanted: Position | undefined;
  /** A reason for which no replica may answer. */
  forced: PrimaryReason | undefined;
  /** Undefined until its operation is known. */
  source: Source | undefined;
  hasFailed: boolean;
  /** What was received of the peers before it began. */
  received: Received;
  /** Does not wait for the replica any more. */
  giveUp: () => void;
}

export interface DatabaseReadsOptions extends MembersOptions {
  /** The name of the database for callers. */
  place: string;
  /** How old an answer may be for a caller that has seen nothing. */
  stalenessMs?: number | undefined;
  /** The other nodes, if the database is one of several that are written. */
  peers?: Peers | undefined;
  registry: Registry;
}

/** The database of a service, with its replicas, and what requests may read there. */
export interface ServedDatabase {
  members: DatabaseMembers;
  reads: ServiceReads;
  replication(): Replication;
}

const NOTHING: Received = new Map();
const NOTHING_WISHED: ReadonlyMap<string, Position> = new Map();
const STALENESS_MS = 5_000;
/** An answer does not wait longer for its position. */
const POSITION_LIMIT_MS = 1_000;
/** A look takes a few milliseconds, unless a server hangs. */
const LOOK_WAIT_MS = 200;
/** A replica that takes longer is taken for gone. */
const REPLICA_ANSWER_MS = 1_000;

export function serveDatabase(options: DatabaseReadsOptions): ServedDatabase {
  const { place, registry, peers, stalenessMs = STALENESS_MS } = options;
  const served = new AsyncLocalStorage<Request>();
  const chosenPool = () => {
    const source = served.getStore()?.source;
    return source?.kind === "replica" ? source.member.database.sql : undefined;
  };
  const members = new DatabaseMembers(options, chosenPool);
  const replication = () => replicationOf(members, stalenessMs, served.getStore()?.source?.kind ?? "primary");
  const metrics = createReadMetrics(registry, () => replication().replicas);

  const begin = async (request: Request, isQuery: boolean): Promise<Source> => {
    const chosen =
      request.forced ??
      (isQuery
        ? await chooseReplica(members, request.wanted, { stalenessMs, onWait: metrics.waited })
        : "write");
    if (typeof chosen !== "string") return chosen;
    if (isQuery && request.wanted) await settle(members, request.wanted);
    const { settled } = members.primary.positions;
    return { kind: "primary", reason: isQuery ? chosen : "write", settled };
  };

  const serve = async (
    terms: Pick<Request, "wanted" | "forced" | "received">,
    run: () => Promise<Answer>,
  ): Promise<Answer> => {
    const { promise: givenUp, resolve: giveUp } = Promise.withResolvers<undefined>();
    const request: Request = {
      ...terms,
      source: undefined,
      hasFailed: false,
      giveUp: () => giveUp(undefined),
    };
    const answer = await Promise.race([served.run(request, run), givenUp]);
    const range = answer ? await conclude(members, request) : "unreachable";
    if (!answer || typeof range === "string") {
      // The replica may have become the primary.
      await withinMs(LOOK_WAIT_MS, members.lookAgain());
      return serve({ ...terms, forced: range as PrimaryReason }, run);
    }
    const { source } = request;
    if (source) metrics.answered(source.kind, source.kind === "primary" ? source.reason : "");
    if (source && range) {
      const others = peers ? await rangesOfPeers(peers, terms.received) : [];
      tell(answer, new Map([[place, range], ...others]), source);
    }
    return answer;
  };

  const reads: ServiceReads = {
    async serve(readAfter, run) {
      const forced = readAfter === FROM_PRIMARY ? "not-allowed" : undefined;
      const wanted = parsePositions(readAfter);
      const received = peers
        ? await reach(peers, wanted, { nowMs: () => performance.now(), delay })
        : NOTHING;
      if (!received) return notRead();
      const wishes = peers ? parseWishes(readAfter) : NOTHING_WISHED;
      const own = latest(wanted.get(place), wishes.get(place));
      return serve({ wanted: own, forced, received }, run);
    },
    async begin(operation) {
      const request = served.getStore();
      if (!request) return;
      request.source = await begin(request, operation === "query");
      if (request.source.kind === "replica") startRealTimer(REPLICA_ANSWER_MS, request.giveUp);
    },
    onFault() {
      const request = served.getStore();
      if (request) request.hasFailed = true;
      members.suspect();
    },
  };
  return { members, reads, replication };
}

/**
 * Waits until the primary shows what the caller has seen. A server that does not show it in time may be the
 * primary no more: it runs on and has not heard of the promotion, or its commits wait for replicas that
 * follow another server now. So all members are looked at before it answers.
 */
async function settle(members: DatabaseMembers, wanted: Position): Promise<void> {
  const { positions } = members.primary;
  const isSettled = await positions.settle(wanted).catch(() => false);
  if (isSettled || !members.hasReplicas) return;
  await members.find();
  const found = members.primary.positions;
  if (found !== positions) await found.settle(wanted).catch(() => false);
}

/** What the answer shows; a reason if it must be had from the primary. */
async function conclude(
  members: DatabaseMembers,
  { source, hasFailed }: Request,
): Promise<PositionRange | PrimaryReason | undefined> {
  switch (source?.kind) {
    case undefined:
      return undefined;
    case "primary":
      return rangeOnPrimary(members, source, hasFailed);
    case "replica": {
      const { member, seen } = source;
      if (hasFailed) return "unreachable";
      const look = await withinMs(POSITION_LIMIT_MS, member.look()).catch(() => undefined);
      if (!look) return "unreachable";
      members.noteLook(member, look);
      if (!isStill(seen, look)) return "other-timeline";
      return { includes: seen.position, upTo: { timeline: look.timeline, lsn: look.lsn } };
    }
    default:
      return source satisfies never;
  }
}

async function rangeOnPrimary(
  { primary }: DatabaseMembers,
  source: Extract<Source, { kind: "primary" }>,
  hasFailed: boolean,
): Promise<PositionRange | undefined> {
  const { positions } = primary;
  const asked = await withinMs(POSITION_LIMIT_MS, positions.ask()).catch(() => undefined);
  const upTo = asked ?? (hasFailed ? undefined : nextTimeline(positions.timeline));
  if (!upTo) return undefined;
  if (source.reason === "write") return { includes: upTo, upTo };
  const { settled = { timeline: upTo.timeline, lsn: 0 } } = source;
  return { includes: comparePositions(settled, upTo) < 0 ? settled : upTo, upTo };
}

/**
 * The upper bound of an answer whose position could not be had, most likely because the primary went away:
 * later than all that this timeline can have. So what follows is read from the primary, or from a replica of
 * the next one.
 */
function nextTimeline(timeline: number | undefined): Position | undefined {
  return timeline === undefined ? undefined : { timeline: timeline + 1, lsn: 0 };
}

/** What the answer shows of the peers: what was received before it was read, and at most what is by now. */
async function rangesOfPeers(peers: Peers, before: Received): Promise<[string, PositionRange][]> {
  const after = await peers.received();
  return Array.from(after, ([place, { upTo }]) => [
    place,
    { includes: before.get(place)?.includes ?? { timeline: 0, lsn: 0 }, upTo },
  ]);
}

function latest(a: Position | undefined, b: Position | undefined): Position | undefined {
  return a && b ? laterPosition(a, b) : (a ?? b);
}

/** Of a node that has not received what its caller has seen. Another one may have it. */
function notRead(): Answer {
  const error = codedError(
    "SUBGRAPH_UNAVAILABLE",
    "This node has not received yet what the client has seen.",
  );
  const string = JSON.stringify({ errors: [error.toJSON()] });
  const headers = new HeaderMap([
    ["content-type", "application/json; charset=utf-8"],
    [READ_FROM_HEADER, NOT_READ],
  ]);
  return { status: 200, headers, body: { kind: "complete", string } };
}

function tell({ headers }: Answer, ranges: ReadonlyMap<string, PositionRange>, source: Source): void {
  headers.set(POSITIONS_HEADER, printRanges(ranges));
  headers.set(
    READ_FROM_HEADER,
    source.kind === "replica" ? `replica ${source.member.name}` : `primary ${source.reason}`,
  );
}
