import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/.teranga/**"],
    globalSetup: ["test/harness/postgres.ts"],
    testTimeout: 30_000,
    hookTimeout: 120_000,
    // Two cores: the real PostgreSQL servers need one of them.
    maxWorkers: 2,
  },
});
