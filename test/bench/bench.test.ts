/**
 * Goal: the benchmark's figures can be trusted. Method: tests of the orders that it draws, its arithmetic,
 * its reading of profiles and its page.
 */
import { allocate } from "@teranga/orders/order/allocation.ts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { commitPrepared } from "./classic/prepared-transactions.ts";
import { type CpuProfile, summarise } from "./cpu-profile.ts";
import { cpuMs } from "./process-cpu.ts";
import { type Results, renderReport } from "./report.ts";
import type { Run } from "./run-load.ts";
import { CITY_COUNTS, CITY_IDS, drawOrder, ownerOf, PRODUCT_IDS, seededRandom } from "./scenarios.ts";
import { median, percentile } from "./statistics.ts";
import { replaceGenerated } from "./write-generated.ts";

describe("an order", () => {
  const scenario = fc.record({
    cities: fc.constantFrom(...CITY_COUNTS),
    products: fc.constantFrom("spread" as const, "hot" as const),
    concurrency: fc.constant(1),
  });

  test("needs exactly so many cities, its home among them, whatever is preferred", () => {
    const levels = new Map(
      CITY_IDS.map((city) => [city, new Map(PRODUCT_IDS.map((id) => [id, ownerOf(id) === city ? 1 : 0]))]),
    );
    const order = fc.shuffledSubarray([...CITY_IDS], { minLength: CITY_IDS.length });
    fc.assert(
      fc.property(scenario, fc.integer(), order, (scenario, seed, cityIds) => {
        const { homeId, clientId, lines } = drawOrder(scenario, seededRandom(seed));
        const quantities = lines.map(({ productId }) => ({ productId, quantity: 1 }));
        const result = allocate(quantities, cityIds, { levels, missingCities: [] });
        expect(result.kind).toBe("allocated");
        const given = result.kind === "allocated" ? result.allocations : [];
        expect(new Set(given.map(({ cityId }) => cityId)).size).toBe(scenario.cities);
        expect(given.map(({ cityId }) => cityId)).toEqual(lines.map(({ cityId }) => cityId));
        expect(given[0]!.cityId).toBe(homeId);
        expect(clientId.startsWith(`${homeId}:`)).toBe(true);
      }),
    );
  });

  test("is always the same if hot, but for its client", () => {
    const random = seededRandom(1);
    const orders = Array.from({ length: 100 }, () =>
      drawOrder({ cities: 3, products: "hot", concurrency: 1 }, random),
    );
    expect(new Set(orders.map(({ lines }) => JSON.stringify(lines))).size).toBe(1);
    expect(new Set(orders.map(({ clientId }) => clientId)).size).toBeGreaterThan(90);
  });

  test("uses all products and homes if spread", () => {
    const random = seededRandom(1);
    const orders = Array.from({ length: 2_000 }, () =>
      drawOrder({ cities: 1, products: "spread", concurrency: 1 }, random),
    );
    expect(new Set(orders.map(({ homeId }) => homeId))).toEqual(new Set(CITY_IDS));
    expect(new Set(orders.map(({ lines }) => lines[0]!.productId))).toEqual(new Set(PRODUCT_IDS));
  });
});

test("percentiles and medians", () => {
  const values = [5, 1, 4, 2, 3];
  expect([0, 0.5, 0.8, 0.95, 1].map((share) => percentile(values, share))).toEqual([1, 3, 4, 5, 5]);
  expect([median([3, 1, 2]), median([4, 1, 2, 3]), median([])]).toEqual([2, 2.5, Number.NaN]);
});

test.runIf(process.platform === "linux")("CPU time is what a process has used, and no other", () => {
  const beforeMs = cpuMs([process.pid]);
  const start = process.cpuUsage();
  while (process.cpuUsage(start).user < 200_000);
  const usedMs = cpuMs([process.pid]) - beforeMs;
  const all = process.cpuUsage(start);
  expect(usedMs).toBeGreaterThanOrEqual(150);
  expect(usedMs).toBeLessThan((all.user + all.system) / 1_000 + 50);
  expect(cpuMs([])).toBe(0);
});

test.each(["", "dakar:1'", "dakar:1 ", "DAKAR:1", "d".repeat(200)])(
  "%j cannot be the name of a prepared transaction",
  (id) => {
    const noDatabase = undefined as never;
    expect(() => commitPrepared(noDatabase, id)).toThrow("cannot be the name");
  },
);

test("a profile's time goes to packages, and what another process took is nobody's", () => {
  const frame = (functionName: string, url = "") => ({ functionName, url, lineNumber: 9 });
  const modules = "file:///shop/node_modules/.pnpm";
  const profile: CpuProfile = {
    nodes: [
      { id: 1, callFrame: frame("(idle)") },
      {
        id: 2,
        callFrame: frame("execute", `${modules}/graphql@16.15.0/node_modules/graphql/execution/execute.mjs`),
      },
      { id: 3, callFrame: frame("allocate", "file:///shop/services/orders/src/order/allocation.ts") },
      { id: 4, callFrame: frame("writev") },
    ],
    samples: [1, 2, 2, 3, 4],
    timeDeltas: [90_000, 1_000, 500_000, 1_000, 1_000],
  };
  expect(summarise("orders", profile)).toEqual({
    service: "orders",
    packages: [
      { name: "graphql", share: 0.6 },
      { name: "services/orders", share: 0.2 },
      { name: "engine writev", share: 0.2 },
    ],
    functions: [
      { name: "execute (graphql:10)", share: 0.6 },
      { name: "allocate (services/orders:10)", share: 0.2 },
      { name: "writev (engine writev)", share: 0.2 },
    ],
  });
});

test("the report compares medians, and says what was not placed", () => {
  const run = (ordersPerS: number, failures: Record<string, number> = {}): Run => ({
    medianMs: 1,
    p95Ms: 2,
    p99Ms: 3,
    ordersPerS,
    placed: 10,
    placedInAll: 10,
    failures,
    cpuMsByPart: new Map([["gateway", 1]]),
    flushes: 1,
    walBytes: 1_000,
  });
  const results: Results = {
    command: "npm run bench:orders",
    rounds: 3,
    measureMs: 4_000,
    cells: [
      {
        scenario: { cities: 2, products: "hot", concurrency: 64 },
        runs: {
          ours: [run(300), run(1), run(200)],
          direct: [run(400), run(500), run(100)],
          classic: [run(50, { OutOfStock: 5 }), run(40), run(60)],
        },
      },
    ],
    writes: [{ system: "ours", cities: 2, inARow: 2.01, inAll: 4 }],
    profiles: null,
    orders: 90,
  };
  const report = renderReport(results);
  expect(report).toContain("| two-city, hot | 64 | 200 | 400 | 50.0 | 0.50 × | 4.00 × |");
  expect(report).toContain("5 of 35: OutOfStock");
  expect(report).toContain("| two-city | Teranga | 2.01 | 4.00 |");
});

test("the generated part is replaced, and nothing around it", () => {
  const page = "before\n<!-- x -->\nold\n<!-- end of x -->\nafter\n";
  const once = replaceGenerated(page, "x", "new");
  expect(once).toBe("before\n<!-- x -->\n\nnew\n\n<!-- end of x -->\nafter\n");
  expect(replaceGenerated(once, "x", "new")).toBe(once);
  expect(() => replaceGenerated(page, "y", "new")).toThrow('has no place "<!-- y -->"');
});
