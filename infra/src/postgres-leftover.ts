/** Stops a PostgreSQL server whose parent was killed and that still holds its data directory. */
import { execFile } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { StartupError } from "@teranga/kit/process/config.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import { isAlive, untilGone } from "./process.ts";

const STOP_FAST_MS = 8_000;
const STOP_IMMEDIATE_MS = 8_000;

/**
 * Stops the server that runs on the directory, if there is one. Removes a pid file that names another
 * process: pids are reused after a restart of the machine. Only for a directory that no running cluster owns.
 * @throws StartupError if the server does not end.
 */
export async function stopLeftoverPostgres(directory: string, log: Logger): Promise<void> {
  const pidFile = join(directory, "postmaster.pid");
  const text = await readFile(pidFile, "utf8").catch(() => undefined);
  if (text === undefined) return;
  // A server in single-user mode writes its pid negated.
  const pid = Math.abs(Number.parseInt(text, 10));
  if (!Number.isSafeInteger(pid) || pid === 0 || !isAlive(pid)) return;
  if (!(await isServerOf(pid, directory))) {
    // With a stale pid file PostgreSQL would refuse to start. It still finds live backends of this directory
    // by its shared memory.
    await rm(pidFile, { force: true });
    return;
  }
  log.warn({ pid, directory }, "stopping a PostgreSQL server that was left running");
  for (const [signal, limitMs] of [
    ["SIGINT", STOP_FAST_MS],
    ["SIGQUIT", STOP_IMMEDIATE_MS],
  ] as const) {
    process.kill(pid, signal);
    if (await untilGone(pid, limitMs)) return;
  }
  throw new StartupError(
    `A PostgreSQL server (pid ${pid}) still runs on ${directory} and does not end: stop it first`,
  );
}

/** Whether the process is the postmaster of this directory, judged by its command line. */
async function isServerOf(pid: number, directory: string): Promise<boolean> {
  const command = await commandLine(pid);
  return /(^|[/\\])postgres(\.exe)?\s/.test(command) && command.includes(`-D ${directory} `);
}

async function commandLine(pid: number): Promise<string> {
  if (process.platform === "linux") {
    return (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).replaceAll("\0", " ");
  }
  const { stdout } = await promisify(execFile)("ps", ["-ww", "-o", "command=", "-p", String(pid)]).catch(
    () => ({ stdout: "" }),
  );
  return stdout;
}
