/**
 * A gateway in a process of its own, over services in another process that answer any query (services.ts).
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freePort } from "@teranga/infra/ports.ts";

const READY_TIMEOUT_MS = 60_000;
const LOOK_MS = 50;

export interface Stage {
  port: number;
  gateway: ChildProcess;
  stop(): Promise<void>;
}

/** @param env further variables for the gateway */
export async function startStage(sdl: string, env: Record<string, string> = {}): Promise<Stage> {
  const directory = await mkdtemp(join(tmpdir(), "teranga-worst-"));
  const services = spawn(process.execPath, [fileURLToPath(new URL("services.ts", import.meta.url))], {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  const [told] = await once(services.stdout!, "data");
  const port = await freePort();
  const gateway = await startGateway(directory, sdl, { port, services: Number(told), env });
  const stop = async () => {
    services.kill();
    if (gateway.exitCode === null && gateway.signalCode === null) {
      gateway.kill();
      await once(gateway, "exit");
    }
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await untilReady(port);
  } catch (error) {
    await stop();
    throw error;
  }
  return { port, gateway, stop };
}

async function startGateway(
  directory: string,
  sdl: string,
  { port, services, env }: { port: number; services: number; env: Record<string, string> },
): Promise<ChildProcess> {
  const supergraph = join(directory, "supergraph.graphql");
  const topology = join(directory, "topology.json");
  const at = (name: string) => `http://127.0.0.1:${services}/${name}`;
  const place = (name: string, index: number) => ({
    name,
    default: index === 0,
    towns: [name],
    location: { latitude: 14, longitude: -16 },
    urls: [at("city")],
  });
  const partitions = Object.fromEntries(["dakar", "thies"].map((name, index) => [name, place(name, index)]));
  const replicas = (name: string) => ({ replicas: [at(name)] });
  const subgraphs = { catalog: replicas("catalog"), orders: replicas("orders"), city: { partitions } };
  await writeFile(supergraph, sdl);
  await writeFile(topology, JSON.stringify({ subgraphs }));
  const program = fileURLToPath(new URL("../../gateway/src/main.ts", import.meta.url));
  const args = [program, "--supergraph", supergraph, "--port", `${port}`];
  // The surface is that of production, but whoever brings no token asks as an operator of the company.
  const surface = { NODE_ENV: "development", INTROSPECTION: "false", SANDBOX: "false" };
  const own = { ...surface, HOST: "127.0.0.1", TOPOLOGY: topology, LOG_LEVEL: "silent", ...env };
  return spawn(process.execPath, args, {
    env: { ...process.env, ...own },
    stdio: ["ignore", "ignore", "inherit"],
  });
}

async function untilReady(port: number): Promise<void> {
  for (const endMs = performance.now() + READY_TIMEOUT_MS; performance.now() < endMs; await sleep(LOOK_MS)) {
    const isReady = fetch(`http://127.0.0.1:${port}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (await isReady) return;
  }
  throw new Error("the gateway is not ready");
}
