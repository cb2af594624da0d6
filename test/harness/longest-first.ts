/**
 * Orders the test files: the long ones first, then group by group, because a process that runs file after
 * file ends when the next file is of another group.
 */
import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * The files that take 4 seconds of CPU time or more, the longest first. Started last, such a file would run
 * on alone at the end. None of them is in the quick group, which would take twice as long with them.
 */
export const LONG: readonly string[] = [
  "test/cluster.test.ts",
  "test/simulation/simulation.test.ts",
  "test/replicas.test.ts",
  "test/chaos/chaos.test.ts",
  "test/demo/concurrency.test.ts",
  "test/history/history.test.ts",
  "test/orders.test.ts",
  "test/reads/reads.test.ts",
  "test/other-routers.test.ts",
  "test/recovery.test.ts",
  "test/observability.test.ts",
  "services/orders/src/faults.test.ts",
  "test/replica-reads.test.ts",
  "infra/src/postgres.test.ts",
  "infra/src/postgres-replica.test.ts",
  "test/query-plans.test.ts",
  "gateway/src/composition/common-operations.test.ts",
  "gateway/src/main.test.ts",
  "test/simulation/planted-bugs.test.ts",
  "test/reload.test.ts",
  "gateway/src/execution/defer/defer.test.ts",
  "gateway/src/same-answer.test.ts",
  "test/authorization/authorization.test.ts",
  "test/audit/audit.test.ts",
  "kit/src/redis/redis-link.test.ts",
  "gateway/src/execution/partial-fetch.test.ts",
  "gateway/src/planning/mutation-root.test.ts",
  "gateway/src/sessions.test.ts",
  "gateway/src/faulty-services.test.ts",
  "kit/src/http/unread-answers.test.ts",
  "kit/src/http/transport-answer.test.ts",
  "gateway/src/hostile-clients.test.ts",
  "gateway/src/planning/side-thread.test.ts",
  "gateway/src/planning/kept-operations.test.ts",
  "gateway/src/door/telemetry.test.ts",
  "protocol/src/model/model.test.ts",
  "gateway/src/cache/memory-tier.test.ts",
  "gateway/src/http.test.ts",
  "gateway/src/execution/shape/shapes.test.ts",
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const at = LONG.findIndex((name) => moduleId.endsWith(`/${name}`));
      return at < 0 ? LONG.length : at;
    };
    const group = ({ project }: TestSpecification) => project.name;
    const sorted = await super.sort(files);
    return sorted.sort((a, b) => rank(a) - rank(b) || group(a).localeCompare(group(b)));
  }
}
