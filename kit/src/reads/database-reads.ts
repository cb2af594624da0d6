/** Reads of a service that owns a database: where each request's statements go, and what its answer shows. */
import { AsyncLocalStorage } from "node:async_hooks";
import { withinMs } from "../process/timer.ts";
import { comparePositions, type Position } from "./position.ts";
import type { PrimaryPositions } from "./primary-positions.ts";
import {
  FROM_PRIMARY,
  POSITIONS_HEADER,
  type PositionRange,
  parsePositions,
  printRanges,
  READ_FROM_HEADER,
} from "./read-headers.ts";
import type { Answer, ServiceReads } from "./service-reads.ts";

/** Why an answer comes from the primary. */
export type PrimaryReason =
  /** The database has no replica. */
  | "no-replica"
  /** The caller wants the primary. */
  | "not-allowed"
  /** The request is a mutation. */
  | "write";

/** One request that is served. */
interface Request {
  readAfter: string;
  wanted: Position | undefined;
  /** Undefined until its operation is known. */
  source: Source | undefined;
  hasFailed: boolean;
}

type Source = { kind: "read"; settled: Position | undefined; reason: PrimaryReason } | { kind: "write" };

export interface DatabaseReadsMeans {
  /** The name of the database for callers. */
  place: string;
  positions: PrimaryPositions;
}

/** An answer does not wait longer for its position. */
const POSITION_LIMIT_MS = 1_000;

export function createDatabaseReads({ place, positions }: DatabaseReadsMeans): ServiceReads {
  const served = new AsyncLocalStorage<Request>();
  let lastTimeline: number | undefined;

  const ask = async (): Promise<Position | undefined> => {
    const position = await withinMs(
      POSITION_LIMIT_MS,
      positions.ask().catch(() => undefined),
    );
    lastTimeline = position?.timeline ?? lastTimeline;
    return position;
  };

  const rangeOf = async ({ source, hasFailed }: Request): Promise<PositionRange | undefined> => {
    const upTo = (await ask()) ?? (hasFailed ? undefined : nextTimeline(lastTimeline));
    if (!upTo || !source) return undefined;
    if (source.kind === "write") return { includes: upTo, upTo };
    const { settled = { timeline: upTo.timeline, lsn: 0 } } = source;
    return { includes: comparePositions(settled, upTo) < 0 ? settled : upTo, upTo };
  };

  return {
    async serve(readAfter, run) {
      const wanted = readAfter === FROM_PRIMARY ? undefined : parsePositions(readAfter).get(place);
      const request: Request = { readAfter, wanted, source: undefined, hasFailed: false };
      const answer = await served.run(request, run);
      const range = request.source && (await rangeOf(request));
      if (range) tell(answer, place, range, request.source!);
      return answer;
    },

    async begin(operation) {
      const request = served.getStore();
      if (!request) return;
      if (operation !== "query") request.source = { kind: "write" };
      else {
        if (request.wanted) await positions.settle(request.wanted).catch(() => {});
        const reason = request.readAfter === FROM_PRIMARY ? "not-allowed" : "no-replica";
        request.source = { kind: "read", settled: positions.settled, reason };
      }
    },

    onFault() {
      const request = served.getStore();
      if (request) request.hasFailed = true;
    },
  };
}

/**
 * The upper bound of an answer whose position could not be had, most likely because the primary went away:
 * later than all that this timeline can have. So what follows is read from the primary, or from a replica of
 * the next one.
 */
function nextTimeline(timeline: number | undefined): Position | undefined {
  return timeline === undefined ? undefined : { timeline: timeline + 1, lsn: 0 };
}

function tell({ headers }: Answer, place: string, range: PositionRange, source: Source): void {
  headers.set(POSITIONS_HEADER, printRanges(new Map([[place, range]])));
  headers.set(READ_FROM_HEADER, `primary ${source.kind === "write" ? "write" : source.reason}`);
}
