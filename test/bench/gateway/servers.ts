/** Starts the GraphQL servers under measurement on the measured core, and waits until they answer. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Probed } from "./measure.ts";
import { CORES, startPinned } from "./pinned-process.ts";
import type { ProbeAnswer, ProbeOrder } from "./probe.ts";

export interface ServerOptions {
  name: string;
  port: number;
  program: string;
  args?: readonly string[];
  env: Record<string, string>;
}

export interface MeasuredServer {
  url: string;
  process: Probed;
}

const PROBE = new URL("probe.ts", import.meta.url).href;
/** A gateway takes some seconds on one core to compose a thousand cities. */
const READY_TIMEOUT_MS = 120_000;
const READY_LOOK_MS = 50;

/** @param started gets the process before it is ready, so that it can be stopped whatever happens */
export async function startServer(
  { port, ...options }: ServerOptions,
  directory: string,
  started: (process: Probed) => void,
): Promise<MeasuredServer> {
  const process = await startPinned<ProbeOrder, ProbeAnswer>({
    core: CORES.contestant,
    preload: [PROBE],
    logFile: join(directory, `${options.name}.log`),
    ...options,
  });
  started(process);
  const url = `http://127.0.0.1:${port}/graphql`;
  await untilReady(url, process);
  return { url, process };
}

/**
 * Waits until the server gives any answer. The floor has no answer for an operation other than the measured
 * ones.
 */
async function untilReady(url: string, process: Probed): Promise<void> {
  const deadlineMs = performance.now() + READY_TIMEOUT_MS;
  while (performance.now() < deadlineMs && !process.hasEnded()) {
    const status = await ask(url, "{ __typename }").then(
      (answer) => answer.status,
      () => undefined,
    );
    if (status !== undefined && status < 500) return;
    await sleep(READY_LOOK_MS);
  }
  throw await process.failure("is not ready");
}

export async function ask(
  url: string,
  query: string,
  variables: Record<string, unknown> = {},
): Promise<{ status: number; text: string }> {
  const headers = { "content-type": "application/json", accept: "application/json" };
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify({ query, variables }) });
  return { status: answer.status, text: await answer.text() };
}
