import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/harness/longest-first.ts";

const IGNORED = ["**/node_modules/**", "**/.teranga/**"];
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

/** A project has one of its own. */
const SERVER = ["test/harness/postgres.ts"];

export default defineConfig({
  test: {
    // Node itself loads the modules, as in production: Vite would load graphql twice, as CommonJS and as ESM.
    experimental: { viteModuleRunner: false },
    // A busy machine is three times as slow: 30 s were too few there for 4 of 2,850 tests.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Two cores: the real PostgreSQL servers need one of them.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: {
          name: "shared",
          include: ["**/*.test.ts"],
          exclude: [...IGNORED, ...ALONE],
          // A process runs file after file: the planner and the composer are loaded, and made quick, once and
          // not 180 times.
          isolate: false,
          globalSetup: SERVER,
        },
      },
      { extends: true, test: { name: "alone", include: ALONE, exclude: IGNORED, globalSetup: SERVER } },
    ],
  },
});
