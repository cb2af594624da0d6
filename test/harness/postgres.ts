/**
 * Starts one PostgreSQL server for all tests of a run (vitest's global setup). Each test file makes databases
 * of its own on it.
 *
 * The server is the embedded one, so the tests need only npm. `npm run test:container` uses PostgreSQL's
 * official image through testcontainers, if there is a Docker engine: production is likely to run that build.
 */
import { startTestPostgres } from "@teranga/infra/test-postgres.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import { PostgreSqlContainer } from "@testcontainers/postgresql";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  export interface ProvidedContext {
    /** The URL of the server's database `postgres`. */
    postgresUrl: string;
  }
}

const IMAGE = "postgres:18";

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { url, stop } =
    process.env.TEST_POSTGRES === "container" ? await startContainer() : await startEmbedded();
  project.provide("postgresUrl", url);
  return stop;
}

async function startEmbedded() {
  const server = await startTestPostgres(createLogger("postgres", "warn"));
  return { url: server.url("postgres"), stop: server.stop };
}

async function startContainer() {
  const container = await new PostgreSqlContainer(IMAGE).withDatabase("postgres").start();
  const stop = async () => {
    await container.stop();
  };
  return { url: container.getConnectionUri(), stop };
}
