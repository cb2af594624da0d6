/**
 * Goal: a start that fails leaves the topology as it was. Method: a start that ends before its first server.
 * test/cluster.test.ts tests clusters that run.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLogger } from "@teranga/kit/process/log.ts";
import { afterEach, beforeEach, expect, test } from "vitest";
import { topologyText } from "./cities.ts";
import { startCluster } from "./cluster.ts";
import { openHome, pathsOf } from "./home.ts";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "teranga-start-"));
});
afterEach(() => rm(home, { recursive: true, force: true }));

test("a topology that no city has accepted yet is not kept as if it had been in use", async () => {
  await openHome(home);
  const before = topologyText((name) => `http://127.0.0.1/${name}`);
  await writeFile(pathsOf(home).topology, before);
  const end = new AbortController();
  const start = startCluster({
    home,
    catalogNodes: [],
    ports: {},
    logLevel: "silent",
    log: createLogger("cluster", "silent"),
    onProgress: () => end.abort(new Error("ended")),
    signal: end.signal,
  });
  await expect(start).rejects.toThrow();
  expect(await readFile(pathsOf(home).topology, "utf8")).toBe(before);
});
