/**
 * Goal: on a real network a dead endpoint costs one deadline, then next to nothing, and is asked again when
 * it is back.
 */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createTransport, type Transport } from "@teranga/kit/http/transport.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createNetworks, type Networks, type ReplicaNetwork } from "./network.ts";

const DEADLINE_MS = 1_200;

let server: Server;
let isSilent = false;
let port: number;
let transport: Transport;
let networks: Networks;
beforeAll(async () => {
  server = createServer((_, response) => {
    if (!isSilent) response.end('{"data": {"x": 1}}');
  });
  await listen(0);
  ({ port } = server.address() as AddressInfo);
  transport = createTransport({ credential: undefined });
  networks = createNetworks({ send: transport.send, nowMs: () => performance.now() });
});
afterAll(async () => {
  await networks.close();
  await transport.close();
  await stop();
});

const listen = (at: number) => new Promise<void>((resolve) => server.listen(at, "127.0.0.1", resolve));
async function stop() {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

let asks = 0;
async function ask() {
  const urls = [`http://127.0.0.1:${port}/graphql`];
  const { placements } = networks.update([{ kind: "replicas", subgraph: "s", urls }]);
  const { ask } = placements.get("s") as ReplicaNetwork;
  const startMs = performance.now();
  const query = `{ x${asks++}: x }`;
  const outcome = await ask(
    { query },
    { mayRepeat: true, headers: {}, deadlineAtMs: startMs + DEADLINE_MS },
  ).then(
    () => "answered",
    (error) => error.effect as string,
  );
  return { outcome, tookMs: performance.now() - startMs };
}

/** The median time of several requests. */
async function medianMs(times: number): Promise<number> {
  const took: number[] = [];
  for (let time = 0; time < times; time++) {
    const { outcome, tookMs } = await ask();
    expect(outcome).toBe("refused");
    took.push(tookMs);
  }
  return took.sort((a, b) => a - b)[times / 2]!;
}

async function untilAnswered(): Promise<void> {
  await expect.poll(async () => (await ask()).outcome, { timeout: 10_000, interval: 20 }).toBe("answered");
}

test("a port where nobody listens", async () => {
  expect((await ask()).outcome).toBe("answered");
  await stop();
  expect((await ask()).outcome).toBe("refused");
  expect(await medianMs(200)).toBeLessThan(1);
  await listen(port);
  await untilAnswered();
});

test("a service that accepts and never answers", async () => {
  isSilent = true;
  const met = await Promise.all([ask(), ask(), ask()]);
  for (const { outcome, tookMs } of met) {
    expect(outcome).toBe("unknown");
    expect(tookMs).toBeGreaterThan(DEADLINE_MS * 0.95);
    expect(tookMs).toBeLessThan(DEADLINE_MS * 2);
  }
  expect(await medianMs(200)).toBeLessThan(1);
  isSilent = false;
  await untilAnswered();
});
