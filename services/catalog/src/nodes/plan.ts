/**
 * What must be done so that a node's subscriptions and slots are those of the topology. A pure
 * function of what its database and the others' databases are now; the manager calls it again and again.
 */
import { slotOf, subscriptionOf } from "./names.ts";
import type { NodeLook, SubscriptionLook } from "./node-look.ts";

/** What is known of another node. */
export type Peer =
  | { kind: "unreachable"; reason: string }
  /** It answers, and may not be connected to; `reason` is a line for people. */
  | { kind: "unusable"; reason: string }
  | { kind: "seen"; look: NodeLook };

/** How another node's operations come to this one. */
export type Link =
  | { kind: "streaming" }
  /** PostgreSQL is about to connect, or has failed and tries again. */
  | { kind: "connecting" }
  | { kind: "paused" }
  /** The other node has not joined yet. */
  | { kind: "waiting" }
  | { kind: "unreachable"; reason: string }
  | { kind: "unusable"; reason: string }
  /** The other node keeps no longer what this one lacks. */
  | { kind: "lost"; reason: string };

export type Action =
  | { kind: "subscribe"; peer: string; connection: string; slot: string; identity: string }
  | { kind: "repoint"; subscription: string; connection: string }
  | { kind: "enable"; subscription: string }
  | { kind: "disable"; subscription: string }
  | { kind: "unsubscribe"; subscription: string }
  /** The topology has the node no longer. */
  | { kind: "forget"; subscription: string }
  | { kind: "drop-slot"; slot: string }
  | { kind: "rebuild"; reason: string };

export interface PlanInput {
  /** The node whose database it is. */
  node: string;
  own: NodeLook;
  /** The other nodes of the topology. */
  peers: ReadonlyMap<string, Peer>;
  /** By which a node's server finds another's. */
  connectionOf: (peer: string) => string;
}

export interface Plan {
  actions: Action[];
  links: Map<string, Link>;
}

export function planNode({ node, own, peers, connectionOf }: PlanInput): Plan {
  const actions: Action[] = [];
  const links = new Map<string, Link>();
  for (const [peer, seen] of peers) {
    const name = subscriptionOf(peer);
    const existing = own.subscriptions.find((each) => each.name === name);
    const planned = planLink({ node, own, peer, seen, existing, connection: connectionOf(peer) });
    links.set(peer, planned.link);
    actions.push(...planned.actions);
  }
  return { actions: [...actions, ...cutOff(own, [...peers.keys()])], links };
}

/** What belongs to nodes that the topology has no longer. Their slots would keep WAL for nobody. */
function cutOff(own: NodeLook, peers: readonly string[]): Action[] {
  const subscriptions = peers.map(subscriptionOf);
  const slots = peers.map((peer) => slotOf(own.number, peer));
  return [
    ...own.subscriptions
      .filter(({ name }) => !subscriptions.includes(name))
      .map(({ name }): Action => ({ kind: "forget", subscription: name })),
    ...own.slots
      .filter(({ name }) => !slots.includes(name))
      .map(({ name }): Action => ({ kind: "drop-slot", slot: name })),
  ];
}

interface LinkInput {
  node: string;
  own: NodeLook;
  peer: string;
  seen: Peer;
  existing: SubscriptionLook | undefined;
  connection: string;
}

function planLink(input: LinkInput): { link: Link; actions: Action[] } {
  const { seen, existing } = input;
  switch (seen.kind) {
    case "unreachable":
      // PostgreSQL itself connects again when it can.
      return { link: seen, actions: [] };
    case "unusable":
      return {
        link: seen,
        actions: existing?.isEnabled ? [{ kind: "disable", subscription: existing.name }] : [],
      };
    case "seen":
      return planSeen(input, seen.look);
    default:
      return seen satisfies never;
  }
}

function planSeen(
  { node, own, peer, existing, connection }: LinkInput,
  look: NodeLook,
): { link: Link; actions: Action[] } {
  const slot = look.slots.find(({ name }) => name === slotOf(look.number, node));
  if (!slot || slot.isLost) {
    if (look.phase === "NEW") return { link: { kind: "waiting" }, actions: [] };
    const reason = slot
      ? `${peer} keeps no longer what came while this node was away`
      : `${peer} keeps nothing for this node`;
    return { link: { kind: "lost", reason }, actions: [{ kind: "rebuild", reason }] };
  }
  const { identity } = look;
  if (!existing) {
    return {
      link: { kind: "connecting" },
      actions: [{ kind: "subscribe", peer, connection, slot: slot.name, identity }],
    };
  }
  const subscription = existing.name;
  // The positions of another database's log would say that all of it has come already.
  if (own.links[peer] !== identity)
    return { link: { kind: "connecting" }, actions: [{ kind: "unsubscribe", subscription }] };
  const actions: Action[] =
    existing.connection === connection ? [] : [{ kind: "repoint", subscription, connection }];
  const paused = own.paused || look.paused;
  if (existing.isEnabled === paused) actions.push({ kind: paused ? "disable" : "enable", subscription });
  if (paused) return { link: { kind: "paused" }, actions };
  return { link: { kind: existing.isRunning ? "streaming" : "connecting" }, actions };
}
