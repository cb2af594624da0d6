/** One PostgreSQL server for all tests of a run (vitest's global setup); each test file makes databases of its own on it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPostgres } from "@teranga/infra/postgres.ts";
import { createLogger } from "@teranga/kit/log.ts";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  export interface ProvidedContext {
    /** The URL of the server's database `postgres`. */
    postgresUrl: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), "teranga-test-"));
  const server = await startPostgres({
    directory: join(directory, "postgres"),
    port: 0,
    password: "test",
    durable: false,
    log: createLogger("postgres", "warn"),
  });
  project.provide("postgresUrl", server.url("postgres"));
  return async () => {
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  };
}
