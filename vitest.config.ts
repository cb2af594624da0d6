import { matchesGlob } from "node:path";
import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/harness/longest-first.ts";
import { keepTemporaryFilesInMemory } from "./test/harness/temporary-files.ts";
import { readTestGroups, type TestGroup } from "./test/harness/test-groups.ts";

/**
 * OpenTelemetry keeps to the first recorder of a process; the simulation keeps its databases for the whole of
 * one.
 */
const ALONE = [
  "kit/src/process/tracing*.test.ts",
  "test/gateway-spans.test.ts",
  "test/observability.test.ts",
  "test/simulation/*.test.ts",
];

const SEED = "test/harness/seed.ts";

const SETUP = {
  quick: { setupFiles: [SEED, "test/harness/no-servers.ts"] },
  slow: { setupFiles: SEED },
  redis: { setupFiles: SEED, globalSetup: "test/harness/redis-setup.ts" },
  postgres: { setupFiles: SEED, globalSetup: ["test/harness/postgres.ts", "test/harness/redis-setup.ts"] },
};

keepTemporaryFilesInMemory();
const groups = [...(await readTestGroups())];

/** The files of one group as projects: those that share a process, and those that have one of their own. */
function projectsOf(group: TestGroup) {
  const files = groups.flatMap(([file, its]) => (its === group ? [file] : []));
  const alone = files.filter((file) => ALONE.some((pattern) => matchesGlob(file, pattern)));
  const shared = files.filter((file) => !alone.includes(file));
  return [
    // A process runs file after file: the planner and the composer are loaded, and made quick, once and not
    // 180 times.
    { extends: true as const, test: { name: group, include: shared, isolate: false, ...SETUP[group] } },
    { extends: true as const, test: { name: `${group}-alone`, include: alone, ...SETUP[group] } },
  ];
}

export default defineConfig({
  test: {
    // Node itself loads the modules, as in production: Vite would load graphql twice, as CommonJS and as ESM.
    experimental: { viteModuleRunner: false },
    // `@apollo/gateway` would ask the metadata services of five clouds where it runs, and tell Apollo.
    env: { APOLLO_TELEMETRY_DISABLED: "true" },
    // A busy machine is three times as slow: 30 s were too few there for 4 of 2,850 tests.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Two cores: the real PostgreSQL servers need one of them.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    projects: (["postgres", "slow", "redis", "quick"] as const).flatMap(projectsOf),
  },
});
