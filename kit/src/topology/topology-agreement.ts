/**
 * Decides whether a new topology may be taken: only once the partitions whose rows it moves have answered.
 *
 * Each partition keeps its own rule as a constraint of its database, so only the partition knows whether it
 * can keep another rule. It is asked before any program routes by the topology. A partition whose rule stays
 * the same need not answer and may be down. A partition that is new or whose rule changes must answer.
 * Partitions take a topology when none refuses it. A program that routes waits for more: the changed
 * partitions must have taken the topology, so that nothing is routed by a rule that its owner does not keep.
 * Each instance of a partition reads a file of its own, so all instances that answer must have taken the
 * topology. An instance that is down for good must not hold the others up.
 *
 * Topologies have no order: a different one may be newer or older. So an instance that starts with another
 * rule than its database keeps changes the database only once every partition has answered and all that
 * answer go by the same topology.
 */
import { z } from "zod";
import type { Send } from "../http/transport.ts";
import { normalise } from "./partition.ts";
import type { Partition, Topology } from "./topology.ts";

/** The part of a partition that the question carries. */
export type PartitionClaims = Pick<Partition, "id" | "claims" | "isDefault">;

/** A partition's verdict on a topology. */
export type Verdict =
  /** The partition keeps the rule that the topology gives it. */
  | { kind: "keeps"; follows: boolean }
  /**
   * The partition could keep the rule, but does not yet. `follows`: all of its instances
   * that answer go by the topology.
   */
  | { kind: "accepts"; follows: boolean }
  | { kind: "refuses"; reason: string }
  | { kind: "silent" };

export type Agreement = { kind: "agreed" } | { kind: "not-yet" | "refused"; reason: string };

export interface AgreementOptions {
  /**
   * The topology that was agreed on before. Undefined if there was none: then every partition has to answer.
   */
  current: Topology | undefined;
  next: Topology;
  send: Send;
  /**
   * `routes`: the program routes by the topology. `owns`: it owns rows and keeps their rule. `starts`: it
   * owns rows, and its database keeps another rule than the topology gives.
   */
  role: "routes" | "owns" | "starts";
}

const ASK_DEADLINE_MS = 2_000;

/** Only a starting instance asks for `follows`: instances of an earlier version lack the field. */
const queryOf = (role: AgreementOptions["role"]) => `query TopologyVerdict($partitions: [PartitionClaims!]!) {
  topologyVerdict(partitions: $partitions) { keeps ${role === "starts" ? "follows" : ""} refusal }
}`;
const verdictAnswer = z.object({
  topologyVerdict: z.object({
    keeps: z.boolean(),
    follows: z.boolean().default(true),
    refusal: z.string().nullable(),
  }),
});

/** Asks every partition of the new topology, side by side. */
export async function agreeOnTopology({ current, next, send, role }: AgreementOptions): Promise<Agreement> {
  const objections: Exclude<Agreement, { kind: "agreed" }>[] = [];
  for (const placement of next.placements.values()) {
    if (placement.kind !== "partitions") continue;
    const before = current?.placements.get(placement.subgraph);
    const known = before?.kind === "partitions" ? before.partitions : [];
    const asked = placement.partitions.map(async (partition) => {
      const isChanged = ruleOf(partition.id, known) !== ruleOf(partition.id, placement.partitions);
      const verdict = await askPartition(partition, placement.partitions, send, role);
      return objectionTo(partition.id, verdict, isChanged, role) ?? [];
    });
    // In the file's order, whichever partition answers first, so that the same fault is reported once.
    objections.push(...(await Promise.all(asked)).flat());
  }
  return objections.find(({ kind }) => kind === "refused") ?? objections[0] ?? { kind: "agreed" };
}

function objectionTo(
  id: string,
  verdict: Verdict,
  isChanged: boolean,
  role: AgreementOptions["role"],
): Exclude<Agreement, { kind: "agreed" }> | undefined {
  switch (verdict.kind) {
    case "keeps":
      return verdict.follows ? undefined : goesElsewhere(id);
    case "refuses":
      return { kind: "refused", reason: `${id} refuses it: ${verdict.reason}` };
    case "accepts":
      if (!verdict.follows) return goesElsewhere(id);
      return isChanged && role === "routes"
        ? { kind: "not-yet", reason: `${id} has not taken it yet` }
        : undefined;
    case "silent":
      return isChanged ? { kind: "not-yet", reason: `${id}, which it changes, does not answer` } : undefined;
    default:
      return verdict satisfies never;
  }
}

const goesElsewhere = (id: string) => ({
  kind: "refused" as const,
  reason: `an instance of ${id} goes by another topology`,
});

/** A partition's verdict on a topology, from all of its instances that answer. */
export async function askPartition(
  { urls }: Partition,
  partitions: readonly Partition[],
  send: Send,
  role: AgreementOptions["role"],
): Promise<Verdict> {
  const verdicts = await Promise.all(urls.map((url) => askInstance(url, partitions, send, role)));
  const heard = (kind: Verdict["kind"]) =>
    verdicts.find((verdict) => verdict.kind === kind && "follows" in verdict && !verdict.follows) ??
    verdicts.find((verdict) => verdict.kind === kind);
  return heard("refuses") ?? heard("accepts") ?? heard("keeps") ?? { kind: "silent" };
}

async function askInstance(
  url: string,
  partitions: readonly Partition[],
  send: Send,
  role: AgreementOptions["role"],
): Promise<Verdict> {
  const variables = {
    partitions: partitions.map(({ id, claims, isDefault }) => ({ id, claims, isDefault })),
  };
  try {
    const { data, errors } = await send(
      url,
      { query: queryOf(role), operationName: "TopologyVerdict", variables },
      { deadlineMs: ASK_DEADLINE_MS },
    );
    const parsed = verdictAnswer.safeParse(data);
    if (parsed.success) return verdictOf(parsed.data.topologyVerdict);
    if (errors?.[0]?.extensions?.code === "GRAPHQL_VALIDATION_FAILED")
      return role === "starts" ? askWithoutFollows(url, partitions, send) : OF_OTHERS;
  } catch {
    // The caller reports the silence.
  }
  return { kind: "silent" };
}

/** Other implementations of a service have neither the field nor a constraint to ask about. */
const OF_OTHERS: Verdict = { kind: "keeps", follows: true };

/**
 * An instance of the version before cannot say by which topology it goes. Its refusal counts, and its consent
 * is no reason to move a rule.
 */
async function askWithoutFollows(
  url: string,
  partitions: readonly Partition[],
  send: Send,
): Promise<Verdict> {
  const verdict = await askInstance(url, partitions, send, "owns");
  return verdict !== OF_OTHERS && "follows" in verdict ? { ...verdict, follows: false } : verdict;
}

function verdictOf({ keeps, follows, refusal }: z.infer<typeof verdictAnswer>["topologyVerdict"]): Verdict {
  if (keeps) return { kind: "keeps", follows };
  return refusal === null ? { kind: "accepts", follows } : { kind: "refuses", reason: refusal };
}

/**
 * The values that a partition owns, in a form that can be compared; undefined if
 * it is not among the partitions.
 */
export function ruleOf(id: string, partitions: readonly PartitionClaims[]): string | undefined {
  const own = partitions.find((partition) => partition.id === id);
  if (!own) return undefined;
  const owned = own.isDefault ? partitions.filter((partition) => partition !== own) : [own];
  const names = new Set(owned.flatMap(({ id, claims }) => [id, ...claims]).map(normalise));
  return `${own.isDefault ? "all but" : "only"} ${[...names].sort().join(", ")}`;
}

/** Whether two topologies give all partitions the same rules. */
export function sameRules(one: readonly PartitionClaims[], other: readonly PartitionClaims[]): boolean {
  return one.length === other.length && one.every(({ id }) => ruleOf(id, one) === ruleOf(id, other));
}
