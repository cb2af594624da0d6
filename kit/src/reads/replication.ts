/** The replicas of a database as the graph and the metrics show them. */
import type { DatabaseMembers } from "../postgres/database-members.ts";
import type { ReplicaState } from "./replica.ts";

export interface ReplicaStatus {
  name: string;
  /**
   * FRESH: may answer any read. BEHIND: answers, but may answer only callers that have seen what it has.
   * UNREACHABLE: does not answer. UNUSABLE: is no replica of this database.
   */
  state: "FRESH" | "BEHIND" | "UNREACHABLE" | "UNUSABLE";
  /** Null while they are not known. */
  lagBytes: number | null;
  lagMs: number | null;
}

export interface Replication {
  /** Who answers the present request. */
  role: "PRIMARY" | "REPLICA";
  replicas: ReplicaStatus[];
}

export function replicationOf(
  members: DatabaseMembers,
  stalenessMs: number,
  answeredBy: "primary" | "replica",
): Replication {
  return {
    role: answeredBy === "replica" ? "REPLICA" : "PRIMARY",
    replicas: members.replicas.map(({ name, state }) => ({ name, ...statusOf(state, members, stalenessMs) })),
  };
}

function statusOf(
  state: ReplicaState,
  { marks }: DatabaseMembers,
  stalenessMs: number,
): Omit<ReplicaStatus, "name"> {
  switch (state.kind) {
    case "unknown":
    case "unreachable":
      return { state: "UNREACHABLE", lagBytes: null, lagMs: null };
    case "unusable":
      return { state: "UNUSABLE", lagBytes: null, lagMs: null };
    case "follows": {
      const { position, freshAtMs } = state;
      const newest = marks.newest?.position;
      const lagBytes = newest?.timeline === position.timeline ? Math.max(0, newest.lsn - position.lsn) : null;
      const lagMs = freshAtMs === undefined ? null : Math.max(0, Math.round(performance.now() - freshAtMs));
      return { state: lagMs !== null && lagMs <= stalenessMs ? "FRESH" : "BEHIND", lagBytes, lagMs };
    }
    default:
      return state satisfies never;
  }
}
