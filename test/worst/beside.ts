/** What a small request takes beside clients whose requests are dear, at a gateway in a process of its own. Its services answer nothing. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "@teranga/infra/ports.ts";

const READY_TIMEOUT_MS = 60_000;
const LOOK_MS = 20;

/** @param query with `a0:` before its first field */
export async function latencyBeside(sdl: string, query: string, clients: number, durationMs: number) {
  const directory = await mkdtemp(join(tmpdir(), "teranga-worst-"));
  const services = createServer((request, response) => {
    request
      .resume()
      .on("end", () => response.setHeader("content-type", "application/json").end('{"data":null}'));
  }).listen(0, "127.0.0.1");
  await once(services, "listening");
  const port = await freePort();
  const gateway = await startGateway(directory, sdl, port, (services.address() as AddressInfo).port);
  try {
    const url = `http://127.0.0.1:${port}/graphql`;
    await untilReady(url);
    return await measure(url, query, clients, durationMs);
  } finally {
    gateway.kill();
    await once(gateway, "exit");
    services.closeAllConnections();
    services.close();
    await rm(directory, { recursive: true, force: true });
  }
}

async function startGateway(
  directory: string,
  sdl: string,
  port: number,
  services: number,
): Promise<ChildProcess> {
  const supergraph = join(directory, "supergraph.graphql");
  const topology = join(directory, "topology.json");
  const at = (name: string) => `http://127.0.0.1:${services}/${name}`;
  const place = (name: string, index: number) => ({
    name,
    default: index === 0,
    towns: [name],
    location: { latitude: 14, longitude: -16 },
    urls: [at(name)],
  });
  const partitions = Object.fromEntries(["dakar", "thies"].map((name, index) => [name, place(name, index)]));
  const replicas = (name: string) => ({ replicas: [at(name)] });
  await writeFile(supergraph, sdl);
  await writeFile(
    topology,
    JSON.stringify({
      subgraphs: { catalog: replicas("catalog"), orders: replicas("orders"), city: { partitions } },
    }),
  );
  const program = new URL("../../gateway/src/main.ts", import.meta.url).pathname;
  const args = [program, "--supergraph", supergraph, "--port", `${port}`];
  const env = { ...process.env, TOPOLOGY: topology, LOG_LEVEL: "silent" };
  return spawn(process.execPath, args, { env, stdio: ["ignore", "ignore", "inherit"] });
}

async function measure(url: string, query: string, clients: number, durationMs: number) {
  const endMs = performance.now() + durationMs;
  let sent = 0;
  const attack = async () => {
    while (performance.now() < endMs) await ask(url, query.replace("a0:", `a0_${sent++}:`));
  };
  const attacks = Promise.all(Array.from({ length: clients }, attack));
  const latenciesMs: number[] = [];
  while (performance.now() < endMs) {
    const startMs = performance.now();
    await ask(url, "{ __typename }");
    latenciesMs.push(performance.now() - startMs);
    await sleep(LOOK_MS);
  }
  await attacks;
  latenciesMs.sort((a, b) => a - b);
  const at = (share: number) => latenciesMs[Math.floor(share * (latenciesMs.length - 1))]!;
  return { p50Ms: at(0.5), p99Ms: at(0.99), count: latenciesMs.length, sent };
}

async function untilReady(url: string): Promise<void> {
  for (const endMs = performance.now() + READY_TIMEOUT_MS; performance.now() < endMs; await sleep(LOOK_MS)) {
    if (await ask(url, "{ __typename }").then(Boolean, () => false)) return;
  }
  throw new Error("the gateway is not ready");
}

async function ask(url: string, query: string): Promise<boolean> {
  const body = JSON.stringify({ query });
  const answer = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
  await answer.arrayBuffer();
  return answer.ok;
}
