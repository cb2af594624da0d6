/**
 * The public federation gateway audit, from a checkout of its repository with its packages installed. None of
 * its code is ours: it runs as a process of its own, and gives its suites, supergraphs and cases over HTTP,
 * as it does for its own command.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { freePort } from "@teranga/infra/ports.ts";
import { StartupError } from "@teranga/kit/process/config.ts";
import { type Answer, ask, type GatewayName, startAudited } from "./gateways.ts";

interface Case {
  query: string;
  /** Without `errors` the answer may have errors or none. */
  expected: { data?: unknown; errors?: boolean };
}

export interface CaseResult {
  suite: string;
  /** Counted from 0, as in the audit's own report. */
  index: number;
  passed: boolean;
  query: string;
  expected: Case["expected"];
  answer: Answer;
}

export interface PublicSuite {
  ids: string[];
  run(id: string, gateway: GatewayName): Promise<CaseResult[]>;
  stop(): Promise<void>;
}

const READY_TIMEOUT_MS = 30_000;
const READY_LOOK_MS = 100;
/** The audit's own runner tries a case this often before it fails it. */
const TRIES = 3;

/**
 * @param checkout the folder of the repository; its packages are installed with npm, TypeScript is run by its
 * `tsx`
 */
export async function openPublicSuite(checkout: string): Promise<PublicSuite> {
  for (const file of ["src/index.ts", "node_modules/tsx/package.json"])
    if (!existsSync(join(checkout, file)))
      throw new StartupError(
        `--suite ${checkout}: has no ${file}; run npm install in a checkout of the audit`,
      );
  const port = await freePort();
  const program = `import("./src/index.ts").then(({ serve }) => serve(${port}))`;
  const child = spawn(process.execPath, ["--import=tsx", "-e", program], { cwd: checkout, stdio: "ignore" });
  const exited = once(child, "exit");
  const stop = async () => {
    child.kill("SIGKILL");
    await exited;
  };
  const origin = `http://127.0.0.1:${port}`;
  try {
    await untilReady(`${origin}/_health`, () => child.exitCode !== null);
    const ids = (await getJson(`${origin}/ids`)) as string[];
    return { ids: ids.sort(), run: (id, gateway) => runSuite(`${origin}/${id}`, id, gateway), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function untilReady(url: string, hasEnded: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + READY_TIMEOUT_MS;
  while (!hasEnded() && performance.now() < deadlineMs) {
    const ready = await fetch(url).then(
      (answer) => answer.ok,
      () => false,
    );
    if (ready) return;
    await sleep(READY_LOOK_MS);
  }
  throw new StartupError("The audit's subgraphs did not start");
}

async function getJson(url: string): Promise<unknown> {
  return (await fetch(url)).json();
}

async function runSuite(base: string, suite: string, name: GatewayName): Promise<CaseResult[]> {
  const cases = (await getJson(`${base}/tests`)) as Case[];
  const supergraphSdl = await (await fetch(`${base}/supergraph`)).text();
  const gateway = await startAudited(name, supergraphSdl);
  try {
    const results: CaseResult[] = [];
    for (const [index, { query, expected }] of cases.entries()) {
      let answer: Answer = {};
      let passed = false;
      for (let tries = 0; tries < TRIES && !passed; tries++) {
        answer = await ask(gateway.url, query).catch((error: Error) => ({
          errors: [{ message: error.message }],
        }));
        passed = fits(answer, expected);
      }
      results.push({ suite, index, passed, query, expected, answer });
    }
    return results;
  } finally {
    await gateway.close();
  }
}

export function fits({ data = null, errors = [] }: Answer, expected: Case["expected"]): boolean {
  if (!isDeepStrictEqual(data ?? null, expected.data ?? null)) return false;
  return expected.errors === undefined || expected.errors === errors.length > 0;
}
