/** Which replica answers a read: the nearest one that is fresh enough. */
import { setTimeout as delay } from "node:timers/promises";
import type { DatabaseMembers, Member } from "../postgres/database-members.ts";
import { withinMs } from "../process/timer.ts";
import { comparePositions, type Position } from "./position.ts";
import type { ReadMetrics } from "./read-metrics.ts";
import { hasReplayed, type SeenReplica } from "./replica.ts";

/** Why an answer comes from the primary. */
export type PrimaryReason =
  /** The database has no replica. */
  | "no-replica"
  /** The caller wants the primary. */
  | "not-allowed"
  /** The request is a mutation. */
  | "write"
  /** No replica has replayed in time what the caller has seen. */
  | "behind"
  /** No replica is known to be fresh enough for a caller that has seen nothing. */
  | "stale"
  /** No replica answers. */
  | "unreachable"
  /** What the caller has seen is of another timeline than the replicas. */
  | "other-timeline";

export interface ChosenReplica {
  kind: "replica";
  member: Member;
  seen: SeenReplica;
}

interface ChoiceTerms {
  /** How old an answer may be for a caller that has seen nothing. */
  stalenessMs: number;
  onWait: ReadMetrics["waited"];
}

/** A read waits for a replica no longer: a replica that keeps up is a few milliseconds behind. */
const CAUSAL_WAIT_MS = 100;
const LOOK_AGAIN_MS = 4;

/**
 * A replica that may answer, or why none may.
 * @param wanted what the caller has seen; undefined if nothing
 */
export async function chooseReplica(
  members: DatabaseMembers,
  wanted: Position | undefined,
  { stalenessMs, onWait }: ChoiceTerms,
): Promise<ChosenReplica | PrimaryReason> {
  if (!members.hasReplicas) return "no-replica";
  const following = followers(members);
  if (following.length === 0) return "unreachable";
  if (!wanted) return nearest(following.filter((each) => isFresh(each, stalenessMs))) ?? "stale";
  const ofTimeline = following.filter(({ seen }) => seen.position.timeline === wanted.timeline);
  if (ofTimeline.length === 0) return "other-timeline";
  const ready = ofTimeline.filter(({ seen }) => hasReplayed(seen, wanted));
  if (ready.length > 0)
    return nearest(ready.filter((each) => keepsUp(each, members, stalenessMs))) ?? "stale";
  const replayed = await replay(members, ofTimeline, wanted);
  onWait(replayed ? "replayed" : "too-late");
  return replayed ?? "behind";
}

interface Follower {
  member: Member;
  seen: SeenReplica;
}

/** The replicas that answer, as they are known. */
function followers(members: DatabaseMembers): Follower[] {
  return members.replicas.flatMap((member) =>
    member.state.kind === "follows" ? [{ member, seen: member.state }] : [],
  );
}

/**
 * Whether a replica may answer callers that have seen nothing. One that is new to this service must first
 * have been fresh for as long as an answer may be old: what such callers wrote before is known to nobody.
 */
function isFresh({ member, seen: { freshAtMs = Number.NEGATIVE_INFINITY } }: Follower, stalenessMs: number) {
  return freshAtMs >= performance.now() - stalenessMs && freshAtMs >= member.sinceMs + stalenessMs;
}

/**
 * Whether a replica is no older than that behind what is known of the primary. While the primary is away, a
 * caller that has seen something may be answered all the same.
 */
function keepsUp(
  { seen: { freshAtMs } }: Follower,
  { marks }: DatabaseMembers,
  stalenessMs: number,
): boolean {
  if (!marks.newest) return true;
  return freshAtMs !== undefined && freshAtMs >= marks.newest.askedAtMs - stalenessMs;
}

function nearest(followers: readonly Follower[]): ChosenReplica | undefined {
  const [first, ...others] = followers;
  if (!first) return undefined;
  const best = others.reduce((a, b) => (b.member.tookMs < a.member.tookMs ? b : a), first);
  return { kind: "replica", ...best };
}

/**
 * Waits until a replica has replayed a position, outside of any transaction: a snapshot can hold back the
 * very replay. A position that the primary does not have itself is not waited for.
 */
async function replay(
  members: DatabaseMembers,
  candidates: readonly Follower[],
  wanted: Position,
): Promise<ChosenReplica | undefined> {
  const endMs = performance.now() + CAUSAL_WAIT_MS;
  const lookAt = async ({ member }: Follower): Promise<Follower | undefined> => {
    const look = await withinMs(CAUSAL_WAIT_MS, member.look()).catch(() => undefined);
    if (look) members.noteLook(member, look);
    return look && member.state.kind === "follows" ? { member, seen: member.state } : undefined;
  };
  for (let isFirst = true; ; isFirst = false) {
    const looked = await Promise.all(candidates.map(lookAt));
    const ready = nearest(
      looked.filter((each) => each !== undefined).filter(({ seen }) => hasReplayed(seen, wanted)),
    );
    if (ready || performance.now() >= endMs) return ready;
    if (isFirst) {
      const has = await withinMs(CAUSAL_WAIT_MS, members.primary.positions.ask()).catch(() => undefined);
      if (!has || comparePositions(has, wanted) < 0) return undefined;
    }
    await delay(LOOK_AGAIN_MS);
  }
}
