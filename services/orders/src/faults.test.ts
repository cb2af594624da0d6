/**
 * The orchestrator against model cities under every fault of the network: each message in turn, each pair of
 * messages, a city that disappears at some moment, and random faults. After each run the cities finish by
 * themselves, and the invariants of the protocol must hold.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FAULTS, type Fault, type FaultScript } from "../test/faulty-network.ts";
import { OTHER_SCENARIOS, run, SCENARIOS, type Scenario } from "../test/orders-in-model.ts";

/** `TEST_RUNS=1000` is a long run. */
const RUNS = Number(process.env.TEST_RUNS ?? 150);

/** No run with one or two faults sends more messages. */
const MESSAGES_MAX = 100;

const at =
  (...faults: [number, Fault][]): FaultScript =>
  (number) =>
    faults.find(([at]) => at === number)?.[1];

const ALL: Record<string, Scenario> = { ...SCENARIOS, ...OTHER_SCENARIOS };

describe.each(Object.entries(ALL))("under faults, %s:", (_, scenario) => {
  test("each message in turn suffers each fault", async () => {
    for (const fault of FAULTS) {
      for (let k = 0; k < MESSAGES_MAX; k++) {
        const { answer, sent, wrong } = await run(scenario, at([k, fault]));
        expect({ fault, k, sent, answer, wrong }).toMatchObject({ wrong: [] });
        if (k >= sent.length) break;
      }
    }
  });

  test("each pair of messages suffers each pair of faults", async () => {
    for (const first of FAULTS) {
      for (const second of FAULTS) {
        for (let k = 0, l = 1, length = MESSAGES_MAX; k < length; l++) {
          const { answer, sent, wrong } = await run(scenario, at([k, first], [l, second]));
          expect({ first, k, second, l, sent, answer, wrong }).toMatchObject({ wrong: [] });
          length = sent.length;
          if (l >= sent.length) l = ++k;
        }
      }
    }
  });

  test("a city is gone from some message on", async () => {
    for (const city of ["dakar", "thies", "saint-louis"]) {
      for (const fault of ["refuse", "lose", "lose-answer", "late"] as const) {
        for (let k = 0; k < MESSAGES_MAX; k++) {
          const script: FaultScript = (number, message) =>
            number >= k && message.endsWith(city) ? fault : undefined;
          const { answer, sent, wrong } = await run(scenario, script);
          expect({ city, fault, k, sent, answer, wrong }).toMatchObject({ wrong: [] });
          if (k >= sent.length) break;
        }
      }
    }
  });

  test("faults at random", async () => {
    const anyFaults = fc.array(fc.option(fc.constantFrom(...FAULTS), { nil: undefined, freq: 2 }), {
      maxLength: 40,
    });
    await fc.assert(
      fc.asyncProperty(anyFaults, async (faults) => {
        const { wrong } = await run(scenario, (number) => faults[number]);
        expect(wrong).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  });
});
