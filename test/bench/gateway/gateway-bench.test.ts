/**
 * Goal: the gateway's benchmark can be trusted. Method: contestants must give the same answers, and each
 * figure must move with what it measures.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildSchema } from "graphql";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startAnswerServer } from "./answer-server.ts";
import { type ContestantId, compareAnswers, type Market, startMarket } from "./contestants.ts";
import { rowsSupergraph } from "./country.ts";
import type { LoadMessage, LoadOrder } from "./load.ts";
import { OPERATIONS } from "./market.ts";
import { renderMarket } from "./market-report.ts";
import { type Generator, measureRun, type Run } from "./measure.ts";
import { readOptions } from "./options.ts";
import { CORES, startPinned } from "./pinned-process.ts";

describe("a short run", () => {
  let directory: string;
  let market: Market;
  let generator: Generator;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "teranga-bench-gateway-"));
    market = await startMarket(["ours-unshared", "floor"], directory);
    generator = await startPinned<LoadOrder, LoadMessage>({
      name: "the load generator",
      program: "test/bench/gateway/load-generator.ts",
      core: CORES.others,
      logFile: join(directory, "load-generator.log"),
    });
  });
  afterAll(async () => {
    await generator?.stop();
    await market?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  test("of the light query has no failures, and costs something", async () => {
    for (const { id, url, process } of market.contestants) {
      const body = JSON.stringify({ query: OPERATIONS.light });
      const good = {
        name: "good",
        connections: 4,
        bodies: [body],
        answerBytes: market.answerBytes(id, "light"),
        pauseMs: 0,
      };
      const bad = { ...good, name: "bad", connections: 1, answerBytes: 1 };
      const options = { url, contestant: process, streams: [good, bad], warmUpMs: 100, measureMs: 400 };
      const run = await measureRun(options, { generator, pids: [market.subgraphs.pid] });
      const [counted, refused] = run.streams;
      expect(counted!.answered, id).toBeGreaterThan(0);
      expect(counted!.failures, id).toEqual({});
      expect(refused!.answered, id).toBe(0);
      expect(Object.keys(refused!.failures), id).toEqual([`${good.answerBytes} bytes`]);
      expect(run.allocatedBytes, id).toBeGreaterThan(1_000);
      expect(run.rssBytes, id).toBeGreaterThan(10_000_000);
      expect(counted!.maxMs, id).toBeGreaterThanOrEqual(counted!.p50Ms);
    }
  });

  test("has an answer of the public benchmark's size", () => {
    expect(Math.round(market.answerBytes("floor", "heavy") / 1_000)).toBe(87);
  });
});

test("a contestant that answers otherwise is found out", async () => {
  const schema = buildSchema("type Query { users: Int topProducts(first: Int): Int }");
  const serve = (products: number) =>
    startAnswerServer({
      at: () => ({ schema, context: undefined }),
      rootValue: { users: 1, topProducts: products },
    });
  const servers = [await serve(1), await serve(2)];
  try {
    const [one, two] = servers.map(({ port }) => `http://127.0.0.1:${port}/`);
    const at = (id: ContestantId, url: string) => ({ id, url });
    const operations = { heavy: "{ users }", light: "{ topProducts }" };
    const same = await compareAnswers(at("ours", one!), [at("stock", one!)], operations);
    expect(same.otherBytes).toEqual([]);
    expect(same.answerBytes("stock", "heavy")).toBe('{"data":{"users":1}}'.length);
    await expect(compareAnswers(at("ours", one!), [at("stock", two!)], operations)).rejects.toThrow(
      "stock answers light otherwise",
    );
  } finally {
    for (const { server } of servers) server.close();
  }
});

test("the report compares medians", () => {
  const run = (requestsPerS: number, cpuMs: number): Run => ({
    streams: [{ requestsPerS, answered: 10, p50Ms: 1, p95Ms: 2, p99Ms: 3, maxMs: 4, failures: {} }],
    cpuMs,
    allocatedBytes: 1_000,
    grownBytes: 0,
    rssBytes: 1e8,
    othersShare: 0.5,
    profile: null,
  });
  const none: Run[] = [];
  const runs = { ours: [run(400, 1), run(1, 9), run(500, 2)], stock: [run(50, 20)], floor: [run(800, 1)] };
  const cell = {
    operation: "heavy" as const,
    runs: { "ours-unshared": none, hive: none, "hive-shared": none, ...runs },
  };
  const report = renderMarket({ otherBytes: ["stock"], cells: [cell], profiles: [] });
  expect(report).toContain("| Teranga | 400 | 8.00 × | – | 0.50 × |");
  expect(report).toContain("| 2.00 | 10.0 × | – | 0.50 × |");
  expect(report).toContain("(other bytes: stock)");
});

test("options choose, and refuse what there is not", () => {
  const { operations, experiments, contestants, rounds } = readOptions([
    "--only",
    "light",
    "--only",
    "s",
    "--quick",
  ]);
  expect([operations, experiments, rounds]).toEqual([["light"], ["cities", "split", "sick"], 1]);
  expect(contestants).toContain("hive");
  expect(() => readOptions(["--only", "nothing"])).toThrow("--only: there is only heavy, light, cities");
  expect(() => readOptions(["--contestant", "cosmo"])).toThrow("--contestant: there is only ours");
});

test("the two graphs of the splitting differ by the partition alone", () => {
  expect(rowsSupergraph(true)).toContain('@partition(by: "id")');
  expect(rowsSupergraph(false)).not.toContain("@partition");
  const fields = (supergraph: string) => /type Row0[^{]*(\{[^}]*\})/.exec(supergraph)?.[1];
  expect(fields(rowsSupergraph(true))).toContain("note");
  expect(fields(rowsSupergraph(true))).toBe(fields(rowsSupergraph(false)));
});
