/** Planted bugs: the workers that finish what nobody drives. */
import type { PlantedBug } from "../../harness/planted-bug.ts";

const RECOVERY = "protocol/src/city/recovery.ts";
const CLAIM = "protocol/src/city/sql/claim-unacknowledged.ts";
const ACKNOWLEDGE = "protocol/src/city/sql/acknowledge-decisions.ts";
const IN_DOUBT = "protocol/src/city/sql/claim-in-doubt.ts";

export const IN_RECOVERY: readonly PlantedBug[] = [
  {
    // The home stops telling a participant after two tries.
    name: "worker-gives-up",
    edits: [
      {
        file: CLAIM,
        find: "where acknowledged_at is null and",
        replace: "where attempts < 2 and acknowledged_at is null and",
      },
    ],
  },
  {
    // The home notes that a participant was told when it has only tried to tell it.
    name: "acknowledged-unheard",
    edits: [
      {
        file: RECOVERY,
        find: "const answers = await messages.decide(cityId, decisions);",
        replace: `const answers = await messages
        .decide(cityId, decisions)
        .catch(() => rows.map(({ transactionId }) => ({ transactionId, state: "DONE" as const })));`,
      },
    ],
  },
  {
    // What one participant acknowledges counts as told to all.
    name: "acknowledged-for-all",
    edits: [
      {
        file: ACKNOWLEDGE,
        find: `where city_id = \${cityId} and transaction_id`,
        replace: `where \${cityId} <> '' and transaction_id`,
      },
    ],
  },
  {
    // A participant asks its home once.
    name: "asks-once",
    edits: [
      {
        file: IN_DOUBT,
        find: "where state = 'PREPARED' and next_attempt_at",
        replace: "where attempts < 1 and state = 'PREPARED' and next_attempt_at",
      },
    ],
  },
  {
    // In a batch of overdue transactions all are taken for what the first one is.
    name: "kind-of-the-first",
    edits: [
      {
        file: RECOVERY,
        find: "kind: kinds.get(transactionId)!,",
        replace: "kind: [...kinds.values()][0]!,",
      },
    ],
  },
  {
    // A participant asks about what it has prepared a moment ago, and so has it fenced.
    name: "asks-before-time",
    edits: [
      {
        file: IN_DOUBT,
        find: `and next_attempt_at <= \${clock.now(sql)}`,
        replace: `and \${clock.now(sql)} is not null`,
      },
    ],
  },
  {
    // A participant asks when the deadline has passed by the clock of the instance.
    name: "asks-by-its-own-clock",
    edits: [
      {
        file: IN_DOUBT,
        find: `and next_attempt_at <= \${clock.now(sql)}`,
        replace: `and next_attempt_at <= \${new Date(clock.nowMs())}`,
      },
    ],
  },
  {
    // A participant that did not hear is told again the next day.
    name: "told-again-tomorrow",
    edits: [
      {
        file: CLAIM,
        find: `least(\${RETRY_BASE}::interval * 2 ^ least(attempts, 10), \${RETRY_MAX}::interval)`,
        replace: `'1 day'::interval + \${RETRY_BASE}::interval + \${RETRY_MAX}::interval`,
      },
    ],
  },
];
