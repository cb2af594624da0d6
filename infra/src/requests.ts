/**
 * What a command asks of the supervisor that runs, and its answer: two files of the home. A request is
 * removed when its outcome is written, so there is one at a time.
 */
import { randomUUID } from "node:crypto";
import { readFile, rm, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { StartupError } from "@teranga/kit/process/config.ts";
import { type FileWatch, watchFile } from "@teranga/kit/process/file-watch.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import { z } from "zod";
import { FILE_MODE, pathsOf, runningSupervisor, usingHome } from "./home.ts";
import { REPLICA_COMMANDS, type ReplicaCommand } from "./replica-commands.ts";
import { writeJson } from "./state.ts";

const request = z.object({ id: z.uuid(), command: z.enum(REPLICA_COMMANDS), database: z.string() });
const outcome = z.object({ id: z.uuid(), done: z.boolean(), line: z.string() });

/** The copy of a big database may take minutes. */
const OUTCOME_TIMEOUT_MS = 600_000;
const OUTCOME_PROBE_MS = 50;

export interface RequestsOptions {
  home: string;
  log: Logger;
  /** Resolves to a line for people. */
  carryOut: (command: ReplicaCommand, database: string) => Promise<string>;
}

/** Removes a request that was made of a cluster that is no more. */
export async function forgetRequests(home: string): Promise<void> {
  const { request, outcome } = pathsOf(home);
  await Promise.all([request, outcome].map((file) => rm(file, { force: true })));
}

/** Carries out the requests that come, one after the other. */
export function serveRequests({ home, log, carryOut }: RequestsOptions): FileWatch {
  const paths = pathsOf(home);
  return watchFile({
    file: paths.request,
    log,
    async onContent(content) {
      if (content.kind === "unreadable") return;
      // It is being written.
      if (content.text === "") return "again";
      const asked = request.safeParse(parseJson(content.text));
      if (asked.success) {
        const { id, command, database } = asked.data;
        const answer = await carryOut(command, database).then(
          (line) => ({ done: true, line }),
          (error: Error) => ({ done: false, line: error.message }),
        );
        log.info(`${command} ${database}: ${answer.line}`);
        writeJson(paths.outcome, { id, ...answer });
      }
      await rm(paths.request, { force: true });
    },
  });
}

/**
 * Asks the supervisor that runs on the home, and waits for the outcome.
 * @throws StartupError with one line if it could not be done, or no cluster runs
 */
export async function askSupervisor(
  home: string,
  command: ReplicaCommand,
  database: string,
): Promise<string> {
  if (!(await runningSupervisor(home))) throw new StartupError(`No cluster runs in ${home}`);
  const id = randomUUID();
  await usingHome(home, () => makeRequest(home, { id, command, database }));
  const deadlineMs = performance.now() + OUTCOME_TIMEOUT_MS;
  while (performance.now() < deadlineMs) {
    const answer = outcome.safeParse(
      parseJson(await readFile(pathsOf(home).outcome, "utf8").catch(() => "")),
    );
    if (answer.data?.id === id) {
      if (answer.data.done) return answer.data.line;
      throw new StartupError(answer.data.line);
    }
    if (!(await runningSupervisor(home)))
      throw new StartupError("The cluster ended before it said what became of it");
    await sleep(OUTCOME_PROBE_MS);
  }
  throw new StartupError(`There is no outcome after ${OUTCOME_TIMEOUT_MS} ms: see npm run status`);
}

async function makeRequest(home: string, asked: z.infer<typeof request>): Promise<void> {
  try {
    await writeFile(pathsOf(home).request, JSON.stringify(asked), { mode: FILE_MODE, flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new StartupError("Another command is under way: try again when it has ended");
  }
}

/** Undefined if the text is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
