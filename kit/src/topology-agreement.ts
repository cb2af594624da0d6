/**
 * Whether a new topology may be taken: only once the partitions whose rows it moves have a say.
 *
 * Each partition keeps its own rule as a constraint of its database, so it alone knows whether it can keep
 * another one. It is asked before anybody routes by the topology. A partition whose rule stays the same has
 * nothing to say, and may be down; one whose rule changes, or that is new, has to answer. Partitions take a
 * topology when none refuses it. Whoever routes waits for more: that those which it is about have taken it,
 * so that nothing is routed by a rule that its owner does not keep. Each instance of a partition goes by a
 * file of its own, so all that answer have to have taken it. One that is down for good must not hold the
 * others up; one that comes back goes by the file as it then is.
 */
import { z } from "zod";
import { normalise } from "./partition.ts";
import type { Partition, Topology } from "./topology.ts";
import type { Send } from "./transport.ts";

/** What a partition is asked by. */
export type PartitionClaims = Pick<Partition, "id" | "claims" | "isDefault">;

/** What a partition says of a topology. */
export type Verdict =
  /** It keeps the rule that the topology gives it. */
  | { kind: "keeps" }
  /** It could keep it, and does not yet. */
  | { kind: "accepts" }
  | { kind: "refuses"; reason: string }
  | { kind: "silent" };

export type Agreement = { kind: "agreed" } | { kind: "not-yet" | "refused"; reason: string };

export interface AgreementOptions {
  /** What was agreed to before. Undefined if nothing was: then every partition has to speak. */
  current: Topology | undefined;
  next: Topology;
  send: Send;
  /** `routes`: by the topology. `owns`: rows, and keeps their rule. */
  role: "routes" | "owns";
}

const ASK_DEADLINE_MS = 2_000;

const QUERY = `query TopologyVerdict($partitions: [PartitionClaims!]!) {
  topologyVerdict(partitions: $partitions) { keeps refusal }
}`;
const verdictAnswer = z.object({
  topologyVerdict: z.object({ keeps: z.boolean(), refusal: z.string().nullable() }),
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
      const verdict = await askPartition(partition, placement.partitions, send);
      return objectionTo(partition.id, verdict, isChanged, role) ?? [];
    });
    // In the file's order, whoever answers first: the same fault is told once.
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
      return undefined;
    case "refuses":
      return { kind: "refused", reason: `${id} refuses it: ${verdict.reason}` };
    case "accepts":
      return isChanged && role === "routes"
        ? { kind: "not-yet", reason: `${id} has not taken it yet` }
        : undefined;
    case "silent":
      return isChanged ? { kind: "not-yet", reason: `${id}, which it changes, does not answer` } : undefined;
    default:
      return verdict satisfies never;
  }
}

/** What a partition says of a topology: all of its instances that answer. */
export async function askPartition(
  { urls }: Partition,
  partitions: readonly Partition[],
  send: Send,
): Promise<Verdict> {
  const verdicts = await Promise.all(urls.map((url) => askInstance(url, partitions, send)));
  const heard = (kind: Verdict["kind"]) => verdicts.find((verdict) => verdict.kind === kind);
  return heard("refuses") ?? heard("accepts") ?? heard("keeps") ?? { kind: "silent" };
}

async function askInstance(url: string, partitions: readonly Partition[], send: Send): Promise<Verdict> {
  const variables = {
    partitions: partitions.map(({ id, claims, isDefault }) => ({ id, claims, isDefault })),
  };
  try {
    const { data, errors } = await send(
      url,
      { query: QUERY, operationName: "TopologyVerdict", variables },
      { deadlineMs: ASK_DEADLINE_MS },
    );
    const parsed = verdictAnswer.safeParse(data);
    if (parsed.success) {
      const { keeps, refusal } = parsed.data.topologyVerdict;
      if (keeps) return { kind: "keeps" };
      return refusal === null ? { kind: "accepts" } : { kind: "refuses", reason: refusal };
    }
    // Services of another make have no such field, and no constraint that anybody could ask about.
    if (errors?.[0]?.extensions?.code === "GRAPHQL_VALIDATION_FAILED") return { kind: "keeps" };
  } catch {
    // Silence is told by whoever asked.
  }
  return { kind: "silent" };
}

/** Which values a partition owns, in a form that can be compared; undefined if it is none of these. */
export function ruleOf(id: string, partitions: readonly PartitionClaims[]): string | undefined {
  const own = partitions.find((partition) => partition.id === id);
  if (!own) return undefined;
  const owned = own.isDefault ? partitions.filter((partition) => partition !== own) : [own];
  const names = new Set(owned.flatMap(({ id, claims }) => [id, ...claims]).map(normalise));
  return `${own.isDefault ? "all but" : "only"} ${[...names].sort().join(", ")}`;
}
