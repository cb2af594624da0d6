/** Starts one of the services as a child process. */
import { type ChildProcess, spawn } from "node:child_process";
import { open, readFile } from "node:fs/promises";
import { StartupError } from "@teranga/kit/process/config.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import { ROOT } from "./config.ts";
import { untilServiceReady } from "./health.ts";
import { endsWithin, exitOf } from "./process.ts";
import type { LaunchedProcess, ProcessExit } from "./supervisor.ts";

export interface ServiceProcessOptions {
  name: string;
  /** The program's path in the checkout. */
  program: string;
  /** Its configuration; the other variables are those of the caller. */
  env: Record<string, string>;
  /** A URL of the service; /health/ready on the same port says when it is ready. */
  url: string;
  /** The file that its output is appended to. */
  logFile: string;
  log: Logger;
  signal: AbortSignal;
}

/** A service is ready in a second or two. A gateway itself waits up to 60 s for the services. */
const READY_TIMEOUT_MS = 90_000;
/** A service that does not stop ends itself after 10 s (kit/src/process/shutdown.ts). */
const STOP_GRACE_MS = 12_000;
const STOP_KILL_MS = 5_000;

/**
 * Starts the service and waits until it is ready.
 * @throws StartupError with one line if it does not become ready.
 */
export async function startService(options: ServiceProcessOptions): Promise<LaunchedProcess> {
  const { name, url, logFile, log, signal } = options;
  const { child, exited } = await spawnService(options);
  const launched = { pid: child.pid ?? 0, exited, stop: () => stopService(child, exited, options) };
  let ended = false;
  void exited.then(() => {
    ended = true;
  });
  const deadlineMs = performance.now() + READY_TIMEOUT_MS;
  const ready = await untilServiceReady(url, () => ended || signal.aborted || performance.now() > deadlineMs);
  // If this process has ended, another program answered on the port.
  if (ready && !ended) return launched;
  const reason = ended ? await lastLine(logFile) : `not ready within ${READY_TIMEOUT_MS} ms`;
  await launched.stop();
  signal.throwIfAborted();
  log.debug({ name }, "a service did not become ready");
  throw new StartupError(`${name} did not start: ${reason}; see ${logFile}`);
}

async function spawnService(
  options: ServiceProcessOptions,
): Promise<{ child: ChildProcess; exited: Promise<ProcessExit> }> {
  const output = await open(options.logFile, "a", 0o600);
  try {
    const child = spawn(process.execPath, [options.program], {
      cwd: ROOT,
      env: { ...process.env, ...options.env },
      // The service ends when the IPC channel closes, so however this process ends
      // (kit/src/process/shutdown.ts).
      stdio: ["ignore", output.fd, output.fd, "ipc"],
      // In a process group of its own, so a terminal's Ctrl-C reaches only the supervisor, which stops all in
      // order.
      detached: true,
    });
    return { child, exited: exitOf(child) };
  } finally {
    await output.close();
  }
}

async function stopService(
  child: ChildProcess,
  exited: Promise<ProcessExit>,
  { name, log }: ServiceProcessOptions,
): Promise<void> {
  child.kill("SIGTERM");
  if (await endsWithin(exited, STOP_GRACE_MS)) return;
  log.warn(`${name} did not end within ${STOP_GRACE_MS} ms and is killed`);
  child.kill("SIGKILL");
  await endsWithin(exited, STOP_KILL_MS);
}

/** The last line of output for people: neither a log record nor part of a stack trace. */
async function lastLine(logFile: string): Promise<string> {
  const lines = (await readFile(logFile, "utf8").catch(() => "")).split("\n");
  return lines.findLast((line) => /^[A-Z]/.test(line) && !line.startsWith("Node.js v")) ?? "it ended at once";
}
