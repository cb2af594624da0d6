/** The nodes as the graph and the metrics show them: all of it from the manager's last look. */
import { slotOf, subscriptionOf } from "./names.ts";
import type { NodeLook } from "./node-look.ts";
import type { NodesState } from "./node-manager.ts";
import type { Peer } from "./plan.ts";

export interface LinkStatus {
  from: string;
  state: "STREAMING" | "CONNECTING" | "PAUSED" | "DOWN";
  position: number | null;
  lagBytes: number | null;
  lagMs: number | null;
}

export interface NodeStatus {
  name: string;
  state: "JOINING" | "JOINED" | "REBUILDING" | "UNREACHABLE" | "UNUSABLE";
  answers: boolean;
  paused: boolean | null;
  note: string | null;
  position: number | null;
  refusedOperations: number | null;
  links: LinkStatus[];
}

const STATES = { NEW: "JOINING", JOINED: "JOINED", REBUILDING: "REBUILDING" } as const;

/** @param names all nodes, in the topology's order */
export function statusOf(node: string, names: readonly string[], state: NodesState): NodeStatus[] {
  const peers = new Map<string, Peer>([...state.peers, [node, { kind: "seen", look: state.own }]]);
  return names.map((name) => {
    const seen = peers.get(name) ?? { kind: "unreachable", reason: "it was not looked at yet" };
    const answers = name === node;
    if (seen.kind !== "seen")
      return {
        name,
        state: seen.kind === "unusable" ? "UNUSABLE" : "UNREACHABLE",
        answers,
        paused: null,
        note: seen.reason,
        position: null,
        refusedOperations: null,
        links: [],
      };
    const { look } = seen;
    return {
      name,
      state: STATES[look.phase],
      answers,
      paused: look.paused,
      note: (answers ? state.fault : undefined) ?? null,
      position: look.flushed,
      refusedOperations: look.refused,
      links: names.filter((from) => from !== name).map((from) => linkOf(name, look, from, peers.get(from))),
    };
  });
}

function linkOf(node: string, look: NodeLook, from: string, sender: Peer | undefined): LinkStatus {
  const subscription = look.subscriptions.find(({ name }) => name === subscriptionOf(from));
  const position = subscription?.applied ?? null;
  if (sender?.kind !== "seen") return { from, state: "DOWN", position, lagBytes: null, lagMs: null };
  const { slots, number, reports, paused } = sender.look;
  const slot = slots.find(({ name }) => name === slotOf(number, node));
  const has = slot && !slot.isLost && subscription;
  const came = look.reports[from];
  const wrote = reports[from];
  return {
    from,
    state: !has ? "DOWN" : stateOf(look.paused || paused, subscription.isRunning),
    position,
    lagBytes: slot ? slot.lagBytes : null,
    lagMs: came === undefined || wrote === undefined ? null : Math.max(0, wrote - came),
  };
}

function stateOf(isPaused: boolean, isRunning: boolean): LinkStatus["state"] {
  if (isPaused) return "PAUSED";
  return isRunning ? "STREAMING" : "CONNECTING";
}
