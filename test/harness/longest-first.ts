/** The order of the test files on a machine that has not run them yet: vitest would go by their sizes. */
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Those that take 20 seconds or more, the longest first: begun last, one of them would run on alone. */
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
