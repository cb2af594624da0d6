/** The benchmark's programs as processes, each pinned to one core and connected by IPC. */
import { type ChildProcess, spawn } from "node:child_process";
import { on, once } from "node:events";
import { open, readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";

export interface PinnedOptions {
  name: string;
  /** The program's path in the checkout. */
  program: string;
  args?: readonly string[];
  env?: Record<string, string>;
  /** The core that it is pinned to. */
  core: number;
  /** Modules that are loaded before the program. */
  preload?: readonly string[];
  /** The file that its output is appended to. */
  logFile: string;
}

/** A message of a program has a kind; `next` waits for one. */
export interface PinnedProcess<Order, Message extends { kind: string }> {
  name: string;
  pid: number;
  send(order: Order): void;
  /** @throws Error if the process ends first, or sends another message */
  next<Kind extends Message["kind"]>(kind: Kind): Promise<Extract<Message, { kind: Kind }>>;
  hasEnded(): boolean;
  /** An error about this process that includes the end of its log. */
  failure(what: string): Promise<Error>;
  stop(): Promise<void>;
}

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const STOP_GRACE_MS = 3_000;

/**
 * The core of the measured program and the core of all others. They coincide on a machine with one core or
 * without pinning.
 */
export const CORES = { contestant: 1, others: 0 } as const;
export const PINS = process.platform === "linux" && availableParallelism() > 1;

export async function startPinned<Order extends object, Message extends { kind: string }>(
  options: PinnedOptions,
): Promise<PinnedProcess<Order, Message>> {
  const { name, program, args = [], env = {}, core, preload = [], logFile } = options;
  const node = [process.execPath, ...preload.map((url) => `--import=${url}`), program, ...args];
  const [command, ...rest] = PINS ? ["taskset", "-c", String(core), ...node] : node;
  // Node options for the benchmark itself must not reach the measured program.
  const { NODE_OPTIONS: _, ...inherited } = process.env;
  const output = await open(logFile, "a", 0o600);
  let child: ChildProcess;
  try {
    child = spawn(command!, rest, {
      cwd: ROOT,
      env: { ...inherited, ...env },
      stdio: ["ignore", output.fd, output.fd, "ipc"],
    });
    await once(child, "spawn");
  } finally {
    await output.close();
  }
  const exited = once(child, "exit").then(() => undefined);
  const messages = on(child, "message") as AsyncIterableIterator<[Message]>;
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const failure = async (what: string) => new Error(`${name} ${what}: ${await tail(logFile)}`);
  return {
    name,
    failure,
    pid: child.pid!,
    send: (order) => void child.send(order),
    hasEnded,
    async next<Kind extends Message["kind"]>(kind: Kind) {
      const message = (await Promise.race([messages.next(), exited]))?.value[0] as Message | undefined;
      if (message?.kind === kind) return message as Extract<Message, { kind: Kind }>;
      throw await failure(`${message ? `said "${message.kind}"` : "has ended"} instead of "${kind}"`);
    },
    async stop() {
      if (hasEnded()) return;
      const limit = setTimeout(() => child.kill("SIGKILL"), STOP_GRACE_MS);
      child.kill("SIGTERM");
      await exited;
      clearTimeout(limit);
    },
  };
}

const TAIL_LENGTH = 500;

async function tail(file: string): Promise<string> {
  return (await readFile(file, "utf8").catch(() => "")).trim().slice(-TAIL_LENGTH);
}
