/**
 * How a node comes to the data of the others: a new one, or one whose slot was lost.
 *
 * slots at all others, and here for all others → the donor has applied what was written before those slots →
 * one copy of the donor's data at one moment → subscriptions, which go on from the slots. Whatever was
 * written before a slot is in the copy, whatever was written after it is delivered. What is in both is
 * skipped (operation_arrives).
 */
import type { Sql } from "@teranga/kit/postgres/database.ts";
import { carryOut, dropSlot } from "./carry-out.ts";
import { copyData, sendKept } from "./copy.ts";
import { slotOf } from "./names.ts";
import type { NodeDatabase } from "./node-database.ts";
import type { NodeLook } from "./node-look.ts";
import type { Peer } from "./plan.ts";
import { reportNode } from "./report.ts";

export interface JoinInput {
  node: string;
  own: NodeLook;
  sql: Sql;
  /** All nodes of the topology in its order, this one too. */
  names: readonly string[];
  peers: ReadonlyMap<string, { database: NodeDatabase; seen: Peer }>;
  nowMs: () => number;
  delay: (ms: number) => Promise<unknown>;
}

export type JoinOutcome =
  /** It is the first node, and has nobody to copy from. */
  | { kind: "founded" }
  | { kind: "copied"; from: string; kept: number }
  /** It cannot join yet. */
  | { kind: "waits"; reason: string };

interface Reached {
  name: string;
  sql: Sql;
  look: NodeLook;
}

/** A node that is up applies what is written at another within milliseconds. */
const DONOR_LIMIT_MS = 10_000;
const LOOK_AGAIN_MS = 50;

export async function join(input: JoinInput): Promise<JoinOutcome> {
  const { node, own, sql, names } = input;
  const reached: Reached[] = [];
  for (const [name, { database, seen }] of input.peers) {
    // What a node that is away has written could be in no copy, and no slot would keep it for this one.
    if (seen.kind !== "seen") return { kind: "waits", reason: `${name}: ${seen.reason}` };
    reached.push({ name, sql: database.sql, look: seen.look });
  }
  const donor =
    reached.find(({ look }) => look.phase === "JOINED") ??
    reached.find(({ look }) => look.phase === "REBUILDING");
  if (!donor) {
    const first = founder(input, reached);
    if (first !== node) return { kind: "waits", reason: `${first} has not begun yet` };
    await settle(sql, node, true);
    return { kind: "founded" };
  }
  // A database of a single catalog has numbered its products as the first node does.
  if (own.phase === "NEW" && own.hasOperations && own.id !== node) {
    const reason = `its database has data of its own, and ${donor.name} has begun already: give it an empty one`;
    return { kind: "waits", reason };
  }
  const starts = await makeSlots(input, reached);
  const isReady = await untilApplied(input, donor, reached, starts);
  if (!isReady) return { kind: "waits", reason: `${donor.name} has not applied yet what others wrote` };
  await knowNodes(sql, names);
  const kept = await copyData(sql, donor.sql, node);
  await settle(sql, node, false);
  await sendKept(sql);
  return { kind: "copied", from: donor.name, kept };
}

/**
 * The node that begins: one that has data, else the first by name. Not the first of the topology, whose order
 * may differ from site to site.
 */
function founder({ node, own }: JoinInput, reached: readonly Reached[]): string {
  const all = [{ name: node, look: own }, ...reached];
  const withData = all.filter(({ look }) => look.hasOperations);
  return (withData.length > 0 ? withData : all).map(({ name }) => name).sort()[0]!;
}

/** Operations of the topology's nodes are taken from now on. */
export async function knowNodes(sql: Sql, names: readonly string[]): Promise<void> {
  await sql`insert into known_node (id) select unnest(${names as string[]}::text[]) on conflict do nothing`;
}

/** The database is that of the node from now on, and may be written. */
async function settle(sql: Sql, node: string, isOrigin: boolean): Promise<void> {
  await sql.begin(async (begun) => {
    if (isOrigin) await begun`update this_node set id = ${node}`;
    await begun`update node_state set phase = 'JOINED'`;
    await begun`insert into known_node (id) values (${node}) on conflict do nothing`;
  });
}

/**
 * Makes this node's slots at the others anew, and those of the others here if they are missing: they must be
 * there before the first own operation.
 * @returns where each other's slot begins, by node
 */
async function makeSlots({ own, sql, node }: JoinInput, others: readonly Reached[]) {
  for (const { name } of own.subscriptions) await carryOut(sql, { kind: "unsubscribe", subscription: name });
  const starts = new Map<string, number>();
  for (const other of others) {
    const theirs = slotOf(other.look.number, node);
    await dropSlot(other.sql, theirs);
    starts.set(other.name, await makeSlot(other.sql, theirs));
    const ours = slotOf(own.number, other.name);
    if (!own.slots.some(({ name }) => name === ours)) await makeSlot(sql, ours);
  }
  return starts;
}

async function makeSlot(sql: Sql, name: string): Promise<number> {
  const [slot] = await sql<{ at: number }[]>`
    select (lsn - '0/0')::bigint as at from pg_create_logical_replication_slot(${name}, 'pgoutput')`;
  return slot!.at;
}

/** Whether the donor has applied what each other had written before its slot. Waits for it for a while. */
async function untilApplied(
  { nowMs, delay }: JoinInput,
  donor: Reached,
  others: readonly Reached[],
  starts: ReadonlyMap<string, number>,
): Promise<boolean> {
  const senders = others.filter(({ name, look }) => name !== donor.name && look.phase !== "NEW");
  const endMs = nowMs() + DONOR_LIMIT_MS;
  for (const { name, look, sql } of senders) {
    // An idle node writes nothing that could tell the donor's position.
    await reportNode(sql, name);
    const slot = slotOf(look.number, donor.name);
    while (!(await hasConfirmed(sql, slot, starts.get(name)!))) {
      if (nowMs() >= endMs) return false;
      await delay(LOOK_AGAIN_MS);
    }
  }
  return true;
}

/** What a receiver has confirmed it has applied, and flushed. */
export async function hasConfirmed(sql: Sql, slot: string, position: number): Promise<boolean> {
  const [row] = await sql<{ has: boolean }[]>`
    select confirmed_flush_lsn - '0/0' >= ${position} as has
    from pg_replication_slots where slot_name = ${slot}`;
  return row?.has ?? false;
}
