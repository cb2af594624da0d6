/** `npm start` as a user runs it: a child process with a home and a port of its own. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const bootstrap = fileURLToPath(new URL("../../infra/bootstrap.mjs", import.meta.url));

export interface ClusterProcess {
  name: string;
  kind: string;
  city: string | null;
  pid: number;
  url: string;
  health: string;
}

export interface NpmStart {
  /** The output so far. */
  output(): string;
  url: string;
  status(): Promise<ClusterProcess[]>;
  /** Closes the pipe of the output. */
  closeOutput(): void;
  /** Sends the signal and resolves to the exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>;
  /** Resolves to the exit code. */
  ended: Promise<number | null>;
}

const START_LIMIT_MS = 90_000;

function environment(home: string, gatewayPort: number): NodeJS.ProcessEnv {
  return { ...process.env, NODE_ENV: "development", TERANGA_HOME: home, GATEWAY_PORT: String(gatewayPort) };
}

/**
 * Runs the command of `npm start`. Resolves when it says that it is ready.
 * @throws Error with its output if it ends before it is ready
 */
export async function npmStart(home: string, gatewayPort: number): Promise<NpmStart> {
  const env = environment(home, gatewayPort);
  const child = spawn("node", [bootstrap, "infra/src/start.ts"], { cwd: ROOT, env, detached: true });
  const ended = once(child, "exit").then(([code]) => code as number | null);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (output += data));
  await untilReady(child, () => output);
  return {
    output: () => output,
    url: `http://127.0.0.1:${gatewayPort}/graphql`,
    status: () => npmStatus(home, gatewayPort),
    closeOutput() {
      child.stdout.destroy();
      child.stderr.destroy();
    },
    end(signal) {
      child.kill(signal);
      return ended;
    },
    ended,
  };
}

function untilReady(child: ChildProcess, output: () => string): Promise<void> {
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => {
      child.kill("SIGTERM");
      reject(new Error(`not ready in time:\n${output()}`));
    }, START_LIMIT_MS);
    child.stdout?.on("data", () => {
      if (!output().includes("Ready in")) return;
      clearTimeout(limit);
      resolve();
    });
    child.once("exit", (code) => {
      clearTimeout(limit);
      reject(new Error(`ended with ${code}:\n${output()}`));
    });
  });
}

/** Runs a program of the cluster to its end. */
export async function runProgram(program: string, args: string[], home: string, gatewayPort: number) {
  try {
    const { stdout, stderr } = await promisify(execFile)(
      "node",
      [bootstrap, `infra/src/${program}.ts`, ...args],
      {
        cwd: ROOT,
        env: environment(home, gatewayPort),
      },
    );
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}

async function npmStatus(home: string, gatewayPort: number): Promise<ClusterProcess[]> {
  const { stdout } = await runProgram("status", ["--json"], home, gatewayPort);
  return (JSON.parse(stdout) as { processes: ClusterProcess[] }).processes;
}

/** Whether a process of this id exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
