/**
 * What is known of one replica of a database, and whether it may answer a read.
 *
 * A replica that crashes may come back before what it had replayed. So what is known of it belongs to the
 * time at which its server started.
 */
import type { Position } from "./position.ts";

/** The answer of a member that was looked at. */
export interface MemberLook extends Position {
  inRecovery: boolean;
  startedAt: string;
  /** Of the data: copies of one database have the same. */
  identity: string;
  /** Whether commits wait for a synchronous replica. */
  waitsForReplicas: boolean;
}

/** Which look a read relies on. */
export interface SeenReplica {
  startedAt: string;
  position: Position;
  /** Everything that was committed before is there; undefined if that is not known of any time. */
  freshAtMs: number | undefined;
}

export type ReplicaState =
  /** It was not looked at yet. */
  | { kind: "unknown" }
  | { kind: "unreachable"; reason: string }
  /** It is no replica of this database; `reason` is a line for people. */
  | { kind: "unusable"; reason: string }
  | ({ kind: "follows" } & SeenReplica);

/** When the primary was asked for a position, and the position. */
interface Mark {
  askedAtMs: number;
  position: Position;
}

const MARK_EVERY_MS = 50;
const MARKS_MAX = 256;

/** Positions of the primary with the times at which they were asked for: they tell how old a replica is. */
export class Marks {
  readonly #marks: Mark[] = [];

  add(askedAtMs: number, position: Position): void {
    const last = this.#marks.at(-1);
    if (last && askedAtMs - last.askedAtMs < MARK_EVERY_MS) return;
    this.#marks.push({ askedAtMs, position: { timeline: position.timeline, lsn: position.lsn } });
    if (this.#marks.length > MARKS_MAX) this.#marks.shift();
  }

  /** Whoever has this position has everything that was committed before the time. */
  freshAtMs({ timeline, lsn }: Position): number | undefined {
    return this.#marks.findLast(({ position }) => position.timeline === timeline && position.lsn <= lsn)
      ?.askedAtMs;
  }

  get newest(): Mark | undefined {
    return this.#marks.at(-1);
  }
}

/** Whether the look after a read shows that the read was of the replica that was chosen. */
export function isStill(seen: SeenReplica, look: MemberLook): boolean {
  return look.inRecovery && look.startedAt === seen.startedAt && look.timeline === seen.position.timeline;
}

/** Whether the replica has replayed a position. */
export function hasReplayed({ position }: SeenReplica, wanted: Position): boolean {
  return position.timeline === wanted.timeline && position.lsn >= wanted.lsn;
}
