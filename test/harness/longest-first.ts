/**
 * Orders the test files on a machine that has not run them yet. Vitest alone would order them by file size.
 */
import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * The files that take 20 seconds or more, the longest first. Started last, such a file would run on alone at
 * the end.
 */
const LONG = [
  "test/simulation/simulation.test.ts",
  "test/cluster.test.ts",
  "test/simulation/planted-bugs.test.ts",
  "infra/src/postgres.test.ts",
  "test/chaos/chaos.test.ts",
  "services/orders/src/faults.test.ts",
  "test/demo/concurrency.test.ts",
  "test/history/history.test.ts",
  "test/orders.test.ts",
  "test/recovery.test.ts",
  "gateway/src/composition/common-operations.test.ts",
  "test/reload.test.ts",
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const at = LONG.findIndex((name) => moduleId.endsWith(`/${name}`));
      return at < 0 ? LONG.length : at;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}
