import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/.teranga/**"],
    // Node itself loads the modules, as in production: Vite would load graphql twice, as CommonJS and as ESM.
    experimental: { viteModuleRunner: false },
    globalSetup: ["test/harness/postgres.ts"],
    testTimeout: 30_000,
    hookTimeout: 120_000,
    // Two cores: the real PostgreSQL servers need one of them.
    maxWorkers: 2,
  },
});
