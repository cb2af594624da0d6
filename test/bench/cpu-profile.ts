/**
 * CPU profiles of the services under load, through the V8 inspector that `--cpu-profile` makes them open.
 *
 * A profile is a list of samples of the call stack, each with the time since the sample before. That time is
 * the self time of the sample's innermost function. Summed by package, self times show where the CPU time of
 * an order goes.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { type RunOptions, runLoad } from "./run-load.ts";
import { nameOf, type Scenario } from "./scenarios.ts";
import { type Shop, untilSettled } from "./shop.ts";
import type { Systems } from "./systems.ts";

/** A busy load of a shape that gives every part of the system work. */
const PROFILED: Scenario = { cities: 2, products: "spread", concurrency: 64 };
/** The services that are profiled. Dakar stands for all cities, which do the same work. */
const SERVICES = ["gateway", "orders", "catalog", "city-dakar"];
const TOP = 8;
/** V8 takes a sample each millisecond. A later sample means that another process had the core. */
const SAMPLE_MAX_US = 2_000;
/** In the checkout, where git ignores it. */
const DIRECTORY = new URL("../../.teranga-profiles/", import.meta.url);

export interface Share {
  name: string;
  /** Its share of the service's busy time, from 0 to 1. */
  share: number;
}

export interface ServiceProfile {
  service: string;
  packages: Share[];
  functions: Share[];
}

export interface Profiles {
  scenario: string;
  services: ServiceProfile[];
}

/** Profiles our own services during the measured part of one run. */
export async function profileOrders(
  systems: Systems,
  { seed, warmUpMs, measureMs }: Pick<RunOptions, "seed" | "warmUpMs" | "measureMs">,
  shop: Shop,
): Promise<Profiles> {
  const inspectors = await Promise.all(SERVICES.map((name) => openInspector(systems.service(name))));
  const load = runLoad({ system: systems.byId.ours, scenario: PROFILED, seed, warmUpMs, measureMs }, shop);
  await sleep(warmUpMs);
  await Promise.all(inspectors.map(({ send }) => send("Profiler.start")));
  await sleep(measureMs);
  const profiles = await Promise.all(inspectors.map(({ send }) => send("Profiler.stop")));
  await load;
  await untilSettled(shop);
  for (const { close } of inspectors) close();
  await mkdir(DIRECTORY, { recursive: true });
  const services = profiles.map((answer, index) => {
    const { profile } = answer as { profile: CpuProfile };
    return { name: SERVICES[index]!, profile };
  });
  for (const { name, profile } of services)
    await writeFile(new URL(`${name}.cpuprofile`, DIRECTORY), JSON.stringify(profile));
  return {
    scenario: nameOf(PROFILED),
    services: services.map(({ name, profile }) => summarise(name, profile)),
  };
}

export interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  samples: number[];
  timeDeltas: number[];
}

/** V8's name for the time in which a process waits. */
const IDLE = "(idle)";

export function summarise(service: string, { nodes, samples, timeDeltas }: CpuProfile): ServiceProfile {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const packages = new Map<string, number>();
  const functions = new Map<string, number>();
  let busyUs = 0;
  for (const [index, id] of samples.entries()) {
    const { functionName, url, lineNumber } = frames.get(id)!;
    if (functionName === IDLE) continue;
    const us = Math.min(SAMPLE_MAX_US, Math.max(0, timeDeltas[index]!));
    busyUs += us;
    const owner = packageOf(url, functionName);
    const name = `${functionName || "(anonymous)"} (${owner}${url ? `:${lineNumber + 1}` : ""})`;
    packages.set(owner, (packages.get(owner) ?? 0) + us);
    functions.set(name, (functions.get(name) ?? 0) + us);
  }
  const top = (times: Map<string, number>): Share[] =>
    [...times]
      .map(([name, us]) => ({ name, share: us / busyUs }))
      .sort((a, b) => b.share - a.share)
      .slice(0, TOP);
  return { service, packages: top(packages), functions: top(functions) };
}

/**
 * The npm package, the workspace's folder, or the engine's own name: "graphql", "services/city",
 * "node:internal".
 */
function packageOf(url: string, functionName: string): string {
  const installed = /node_modules\/(?!\.pnpm)((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/(?!\.pnpm))/.exec(url);
  if (installed) return installed[1]!;
  const own = /\/(kit|gateway|schema|infra|services\/[^/]+|test\/[^/]+)\/(?:src|test)?/.exec(url);
  if (own) return own[1]!;
  if (url.startsWith("node:")) return url.split("/").slice(0, 2).join("/");
  return url === "" ? `engine ${functionName}` : url;
}

interface Inspector {
  send(method: string): Promise<unknown>;
  close(): void;
}

const OPEN_WITHIN_MS = 5_000;
const OPEN_LOOK_MS = 50;

/** Makes the process open its inspector, and reads the address from its log. */
async function inspectorAddress({ pid, logFile }: { pid: number; logFile: string }): Promise<string> {
  process.kill(pid, "SIGUSR1");
  const deadlineMs = performance.now() + OPEN_WITHIN_MS;
  for (;;) {
    const address = /ws:\/\/\S+/.exec(await readFile(logFile, "utf8"))?.[0];
    if (address) return address;
    if (performance.now() > deadlineMs) throw new Error(`${logFile} does not say where the inspector is`);
    await sleep(OPEN_LOOK_MS);
  }
}

async function openInspector(service: { pid: number; logFile: string }): Promise<Inspector> {
  const address = await inspectorAddress(service);
  const socket = new WebSocket(address);
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve, { once: true });
    socket.addEventListener("error", reject, { once: true });
  });
  const waiting = new Map<number, (result: unknown) => void>();
  socket.addEventListener("message", ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as { id?: number; result?: unknown };
    if (id !== undefined) waiting.get(id)?.(result);
  });
  let sent = 0;
  const send = (method: string) =>
    new Promise<unknown>((resolve) => {
      sent += 1;
      waiting.set(sent, resolve);
      socket.send(JSON.stringify({ id: sent, method }));
    });
  await send("Profiler.enable");
  return { send, close: () => socket.close() };
}
