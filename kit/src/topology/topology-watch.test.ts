/**
 * Goal: a change of the file is taken over once, and a mistake in it changes nothing. Method: real files,
 * written in all the ways that people and tools write them.
 */
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { StartupError } from "../process/config.ts";
import type { Logger } from "../process/log.ts";
import { Registry } from "../process/metrics.ts";
import { loadTopology, partitionsOf, type Topology } from "./topology.ts";
import type { Agreement } from "./topology-agreement.ts";
import { createLiveTopology, livePartitionsOf } from "./topology-live.ts";
import { createTopologyStanding } from "./topology-standing.ts";
import { watchTopology } from "./topology-watch.ts";

const place = "location: { latitude: 14.7, longitude: -17.4 }";
const text = (...cities: string[]) =>
  `subgraphs:\n  city:\n    partitions:\n${cities
    .map(
      (id, at) => `      ${id}: { name: X, default: ${at === 0}, ${place}, urls: ["http://127.0.0.1:1/"] }\n`,
    )
    .join("")}`;

let folder: string;
let file: string;
const lines: string[] = [];
const log = {
  info: (_: object, line: string) => lines.push(line),
  error: (...[first, line]: unknown[]) => lines.push(String(line ?? first)),
  warn: (_: object, line: string) => lines.push(line),
} as unknown as Logger;
const taken: string[] = [];
const stops: (() => Promise<void>)[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "topology-"));
  file = join(folder, "topology.yaml");
  await writeFile(file, text("dakar"));
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  await rm(folder, { recursive: true });
  lines.length = 0;
  taken.length = 0;
});

const ids = (topology: Topology) =>
  partitionsOf(topology, "city")
    .partitions.map(({ id }) => id)
    .join();

/** @param pollMs an hour by default, so that a test of the watch cannot pass by the poll */
async function start(pollMs = 3_600_000, onChange: (topology: Topology) => Promise<void> = async () => {}) {
  const topology = await loadTopology(file);
  const record = async (next: Topology) => {
    await onChange(next);
    taken.push(ids(next));
  };
  const watch = watchTopology({ file, topology, log, pollMs, onChange: record });
  stops.push(watch.stop);
}

const until = (list: string[], expected: unknown[]) =>
  vi.waitFor(() => expect(list).toEqual(expected), 5_000);

/**
 * Usually long enough for the watch to read the file. If it is not, the test covers less, but does not fail.
 */
const untilRead = () => sleep(150);

test("a file that is written again, and one that is replaced by a rename", async () => {
  await start();
  await writeFile(file, text("dakar", "thies"));
  await until(taken, ["dakar,thies"]);
  await writeFile(join(folder, "new"), text("dakar", "thies", "autres"));
  await rename(join(folder, "new"), file);
  await until(taken, ["dakar,thies", "dakar,thies,autres"]);
});

test("a config map, whose directory is swapped behind the file", async () => {
  const versions = { "..1": ["dakar"], "..2": ["dakar", "thies"], "..3": ["thies"] };
  for (const [version, cities] of Object.entries(versions)) {
    await mkdir(join(folder, version));
    await writeFile(join(folder, version, "topology.yaml"), text(...cities));
  }
  const swapTo = async (version: string) => {
    await symlink(version, join(folder, "..next"));
    await rename(join(folder, "..next"), join(folder, "..data"));
  };
  await rm(file);
  await swapTo("..1");
  await symlink(join("..data", "topology.yaml"), file);
  await start();
  await swapTo("..2");
  await until(taken, ["dakar,thies"]);
  await swapTo("..3");
  await until(taken, ["dakar,thies", "thies"]);
});

test("the poll finds what no watch reports", async () => {
  // A link to a file elsewhere. Changes of that file cause no event in the watched directory.
  const elsewhere = join(folder, "elsewhere");
  await mkdir(elsewhere);
  await writeFile(join(elsewhere, "real"), text("dakar"));
  await rm(file);
  await symlink(join("elsewhere", "real"), file);
  await start(50);
  await writeFile(join(elsewhere, "real"), text("thies"));
  await until(taken, ["thies"]);
});

test("a file that says the same in other words changes nothing", async () => {
  await start();
  await writeFile(file, `# the cities\n${text("dakar")}\n`);
  await untilRead();
  await writeFile(file, text("dakar", "thies"));
  await until(taken, ["dakar,thies"]);
});

test("a fault is logged once, the topology stays, and what is mended is taken up", async () => {
  await start(20);
  await writeFile(file, text("dakar").replace("name: X", "colour: red, name: X"));
  const fault = `Topology ${file}: subgraphs.city.partitions.dakar: Unrecognized key: "colour"; the topology stays as it was`;
  await until(lines, [fault]);
  await writeFile(file, `# again\n${text("dakar").replace("name: X", "colour: red, name: X")}`);
  await untilRead();
  await rm(file);
  await until(lines, [fault, `Topology ${file}: cannot be read (ENOENT); the topology stays as it was`]);
  expect(taken).toEqual([]);
  await writeFile(file, text("dakar", "thies"));
  await until(taken, ["dakar,thies"]);
  expect(lines).toHaveLength(3);
  expect(lines[2]).toBe("the topology has changed");
});

test("a topology that is refused is not asked about again; one that failed otherwise is", async () => {
  const failures = [new StartupError("not with me"), new Error("the database is away")];
  await start(20, async () => {
    const failure = failures.shift();
    if (failure) throw failure;
  });
  await writeFile(file, text("thies"));
  await until(lines, ["not with me; the topology stays as it was"]);
  await writeFile(file, text("autres"));
  await until(taken, ["autres"]);
  expect(failures).toEqual([]);
  expect(lines).toContain("a worker's step failed; it will be tried again");
});

test("what a program has started with though it is refused is told, until nobody refuses it", async () => {
  const standing = createTopologyStanding(new Registry());
  const answers: Agreement[] = [{ kind: "refused", reason: "dakar refuses it: 2 clients" }];
  const watch = watchTopology({
    file,
    topology: await loadTopology(file),
    log,
    pollMs: 20,
    onChange: async (next) => void taken.push(ids(next)),
    agree: async () => answers[0]!,
    standing,
  });
  stops.push(watch.stop);
  const fault = `Topology ${file}: dakar refuses it: 2 clients; it is gone by since the start all the same`;
  await until(lines, [fault]);
  expect(standing.notes()).toEqual([fault]);
  answers[0] = { kind: "agreed" };
  await vi.waitFor(() => expect(standing.notes()).toEqual([]));
  expect(taken).toEqual([]);
});

test("a live placement follows the topology, and a copy of it does not", async () => {
  const live = createLiveTopology(await loadTopology(file));
  const placement = livePartitionsOf(live.topology, "city");
  const copy = { ...placement };
  await writeFile(file, text("thies", "mbour"));
  live.set(await loadTopology(file));
  expect([placement.partitions.length, placement.partitionOf("Mbour")]).toEqual([2, "mbour"]);
  expect([copy.partitions.length, copy.partitionOf("Mbour")]).toEqual([1, "dakar"]);
});
