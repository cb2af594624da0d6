/** One PostgreSQL server for all tests of a run (vitest's global setup); each test file makes databases of its own on it. */
import { startTestPostgres } from "@teranga/infra/test-postgres.ts";
import { createLogger } from "@teranga/kit/log.ts";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  export interface ProvidedContext {
    /** The URL of the server's database `postgres`. */
    postgresUrl: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startTestPostgres(createLogger("postgres", "warn"));
  project.provide("postgresUrl", server.url("postgres"));
  return server.stop;
}
