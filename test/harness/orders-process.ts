/** The orders service as a process of its own, so that a test can kill it at any message. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, vi } from "vitest";
import { bareEnvironment } from "../../kit/test/bare-environment.ts";

export interface OrdersProcess {
  /** SIGKILL, at once. The process is gone when this resolves. */
  kill(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

interface OrdersProcessOptions {
  port: number;
  /** The text of its topology file. */
  topology: string;
  credential: string;
}

const MAIN = fileURLToPath(new URL("../../services/orders/src/main.ts", import.meta.url));

export async function startOrdersProcess(options: OrdersProcessOptions): Promise<OrdersProcess> {
  const directory = await mkdtemp(join(tmpdir(), "teranga-orders-"));
  const topologyFile = join(directory, "topology.yaml");
  await writeFile(topologyFile, options.topology);
  const env = {
    ...bareEnvironment,
    PORT: String(options.port),
    SERVICE_CREDENTIAL: options.credential,
    TOPOLOGY: topologyFile,
    LOG_LEVEL: "error",
  };
  let child: ChildProcess | undefined;

  const start = async () => {
    child = spawn(process.execPath, [MAIN], { env, stdio: ["ignore", "inherit", "inherit", "ipc"] });
    await vi.waitFor(
      async () => expect((await fetch(`http://127.0.0.1:${options.port}/health/ready`)).status).toBe(200),
      { timeout: 20_000, interval: 50 },
    );
  };
  const kill = async () => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  };
  await start();
  return {
    kill,
    start,
    async close() {
      await kill();
      await rm(directory, { recursive: true });
    },
  };
}
