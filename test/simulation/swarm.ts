/**
 * Which faults a run has, and how wild each is: drawn by seed.
 *
 * Swarm testing (Groce et al., 2012): a run with every fault on all the time reaches little, because nothing
 * ever gets far; a run where most are off and one is wild gets into corners that an even mixture never sees.
 */
import type { Random } from "../harness/random.ts";
import { CITY_IDS } from "./shop.ts";

/** Rates are chances in [0, 1) for each message, statement or wake-up of a process. */
export interface Faults {
  /** Whether nothing goes wrong but that clocks are: then everybody is answered, and nothing is fenced. */
  isCalm: boolean;
  /** Of each city's service, over its one database. */
  instances: number;
  /** Whether they die together, as on one machine. */
  isOneMachine: boolean;
  requestLost: number;
  answerLost: number;
  /** The message is delivered twice, the second time later. */
  duplicated: number;
  /** No connection is made. */
  refused: number;
  /** The same, of a city's second instance: a city is asked at both before it counts as away. */
  secondRefused: number;
  /** The message takes up to `lateMs`, which is beyond every deadline. */
  late: number;
  lateMs: number;
  /** A usual message takes up to so long; messages overtake one another. */
  latencyMs: number;
  /** A city's service dies when it would go on, wherever in its code that is. */
  cityKilled: number;
  ordersKilled: number;
  /** Whether an orchestrator that died is started again. */
  ordersRestart: boolean;
  /** How many times a city is cut off, for up to `cutMs`. */
  cuts: number;
  cutMs: number;
  /** Messages that fare worse than others: then what goes on without them is seen. */
  unlucky: readonly Unlucky[];
  /** How often they do. At 1 nobody is told, and what was prepared has to ask. */
  unluckyRate: number;
  /** How many times a process does not hear another one, for up to `cutMs`. */
  deafness: number;
  /** How many times a city's database is away, for up to `cutMs`. */
  outages: number;
  /** The statement is not executed, and fails as one that PostgreSQL or the connection ended. */
  statementLost: number;
  /** The statement is executed, and the connection breaks before its answer comes. */
  statementAnswerLost: number;
  statementSlow: number;
  /** How far clocks are apart, and how much faster or slower they run. */
  clockOffsetMs: number;
  clockDrift: number;
  /**
   * How far behind their clocks cities prune; null if they do not. Far less than in production: so that
   * messages come behind it.
   */
  horizonMs: number | null;
}

/** Messages of a kind, and perhaps to one city only, that this happens to. */
export interface Unlucky {
  operations: readonly string[];
  cityId: string | null;
  fault: "requestLost" | "answerLost" | "late";
}

/** Orchestrators' and cities' own; decisions go both ways. */
const KINDS = [
  ["TransactionPrepare"],
  ["OrderCommit", "CancellationCommit", "TransferCommit"],
  ["TransactionDecide"],
  ["RecoveryDecide"],
  ["TransactionDecide", "RecoveryDecide"],
  ["TransactionDecide", "RecoveryDecide"],
  ["TransactionOutcome", "RecoveryOutcome"],
  // A home that is not heard at all.
  ["OrderCommit", "CancellationCommit", "TransferCommit", "TransactionOutcome"],
];

/** No faults; messages take a few milliseconds. */
export const CALM: Faults = {
  isCalm: true,
  instances: 1,
  isOneMachine: false,
  requestLost: 0,
  answerLost: 0,
  duplicated: 0,
  refused: 0,
  secondRefused: 0,
  late: 0,
  lateMs: 0,
  latencyMs: 5,
  cityKilled: 0,
  ordersKilled: 0,
  ordersRestart: true,
  cuts: 0,
  cutMs: 0,
  unlucky: [],
  unluckyRate: 0,
  deafness: 0,
  outages: 0,
  statementLost: 0,
  statementAnswerLost: 0,
  statementSlow: 0,
  clockOffsetMs: 0,
  clockDrift: 0,
  horizonMs: null,
};

/** How many runs have clocks that are wrong, and no other fault. */
const CALM_RUNS = 0.1;

/** One fault alone, in what goes well otherwise: among other faults little gets so far that these matter. */
const ALONE: readonly Partial<Faults>[] = [
  // Nobody is told, so participants have to ask about all that they have prepared.
  {
    unlucky: [{ operations: ["TransactionDecide", "RecoveryDecide"], cityId: null, fault: "requestLost" }],
    unluckyRate: 1,
  },
  // Cities die, each with both of its instances, as on one machine.
  { instances: 2, isOneMachine: true, cityKilled: 0.03 },
];
const ALONE_RUNS = 0.1;

export function drawFaults(random: Random): Faults {
  /** Off in half of all runs, else mild or wild. */
  const rate = (mild: number, wild: number) =>
    random.pickWeighted([
      { weight: 2, item: 0 },
      { weight: 1, item: mild },
      { weight: 1, item: wild },
    ]);
  const instances = random.pick([1, 1, 2]);
  if (random.next() < CALM_RUNS) {
    const clockOffsetMs = random.pick([3_000, 30_000, 300_000]);
    const latencyMs = random.pick([10, 100, 200]);
    return { ...CALM, instances, latencyMs, clockOffsetMs, horizonMs: 2 * clockOffsetMs + 10_000 };
  }
  const alone = random.fork("alone");
  if (alone.next() < ALONE_RUNS)
    return { ...CALM, isCalm: false, latencyMs: alone.pick([2, 10, 50]), ...alone.pick(ALONE) };
  const faults = {
    isCalm: false,
    instances,
    isOneMachine: false,
    requestLost: rate(0.02, 0.2),
    answerLost: rate(0.03, 0.3),
    duplicated: rate(0.05, 0.4),
    refused: rate(0.02, 0.2),
    secondRefused: random.fork("second").pick([0, 0, 1]),
    late: rate(0.03, 0.2),
    lateMs: random.pick([500, 3_000, 20_000]),
    latencyMs: random.pick([2, 10, 50, 300]),
    cityKilled: rate(0.004, 0.03),
    ordersKilled: rate(0.004, 0.03),
    ordersRestart: random.next() < 0.7,
    cuts: rate(1, 4),
    cutMs: random.pick([1_000, 8_000, 25_000]),
    unlucky: Array.from({ length: random.pick([0, 0, 1, 2, 3]) }, () => ({
      operations: random.pick(KINDS),
      cityId: random.pick([null, ...CITY_IDS]),
      fault: random.pick(["requestLost", "answerLost", "late"] as const),
    })),
    unluckyRate: random.fork("unlucky").pick([0.7, 0.7, 1]),
    deafness: rate(2, 10),
    outages: rate(1, 3),
    statementLost: rate(0.02, 0.15),
    statementAnswerLost: rate(0.02, 0.15),
    statementSlow: rate(0.03, 0.2),
    // Also by more than a lease, and by less than anybody would notice.
    clockOffsetMs: random.pick([0, 0, 3_000, 30_000, 300_000]),
    clockDrift: rate(0.001, 0.2),
    horizonMs: null,
  };
  if (random.next() < 0.6) return faults;
  // Where cities prune at once, an orchestrator that is behind would sell nothing: so there the clocks are
  // right. And messages come late.
  const duplicated = Math.max(faults.duplicated, random.pick([0, 0.4]));
  const late = Math.max(faults.late, random.pick([0, 0.2]));
  const horizonMs = random.pick([50, 300, 2_000]);
  return { ...faults, duplicated, late, clockOffsetMs: 0, clockDrift: 0, horizonMs };
}
