/**
 * Goal: what is reported, counted and refused of a request is what the engine and the network really do.
 * Method: a whole gateway over the library.
 */
import { createLogger } from "@teranga/kit/process/log.ts";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { surfaceOf } from "./door/surface.ts";
import { CREDENTIAL } from "./fixture/branch-service.ts";
import { Library } from "./fixture/library.ts";
import { DEFAULT_LIMITS } from "./ground/limits.ts";

let library: Library;
const lines: Record<string, unknown>[] = [];
beforeAll(async () => {
  library = await Library.start({
    surface: { ...surfaceOf("development"), limits: { ...DEFAULT_LIMITS, costMax: 500 } },
    log: createLogger("test", "info", { write: (line) => void lines.push(JSON.parse(line)) }),
  });
});
afterAll(() => library.close());

async function samples(): Promise<Map<string, number>> {
  const headers = { authorization: `Bearer ${CREDENTIAL}` };
  const page = await (await fetch(new URL("/metrics", library.gateway.url), { headers })).text();
  const found = page.matchAll(/^teranga_gateway_(\w+(?:\{.*\})?) (\S+)$/gm);
  return new Map(Array.from(found, ([, name, value]) => [name!, Number(value)]));
}

async function growth(action: () => Promise<unknown>) {
  const before = await samples();
  await action();
  const after = await samples();
  return (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
}

interface Explain {
  plan: string;
  durationMs: number;
  fetches: {
    subgraph: string;
    partition?: string;
    outcome: string;
    startMs: number;
    durationMs: number;
    attempts: number;
  }[];
}

async function explain(query: string): Promise<Explain> {
  const answer = await library.ask(query, {}, { "x-explain": "true" });
  return (answer as unknown as { extensions: { explain: Explain } }).extensions.explain;
}

test("an explained answer has its plan, and the fetches that were made", async () => {
  library.requests = [];
  const { plan, durationMs, fetches } = await explain('{ branches { id } reader(id: "south:1") { name } }');
  expect(plan).toMatch(/^QueryPlan \{[\s\S]*Fetch\(service: "branch"\)/);
  const placeOf = ({ subgraph, partition }: { subgraph: string; partition?: string }) =>
    `${subgraph}/${partition}`;
  expect(fetches.map(placeOf).sort()).toEqual(library.requests.map(placeOf).sort());
  for (const fetch of fetches) {
    expect(fetch).toMatchObject({ outcome: "answered", attempts: 1, shared: false });
    expect(fetch.startMs).toBeGreaterThanOrEqual(0);
    expect(fetch.startMs + fetch.durationMs).toBeLessThanOrEqual(durationMs);
  }
});

test("an operation that costs too much is neither planned nor sent", async () => {
  // Three branches with ten readers of ten friends each, by the default list sizes.
  const query =
    'query Dear { branches { id } reader(id: "north:1") { friends { friends { friends { name } } } } }';
  const grown = await growth(async () => {
    const { asked, data, errors } = await library.askCounting(query);
    expect([asked, data]).toEqual([[], undefined]);
    expect(errors).toMatchObject([
      {
        extensions: {
          code: "OPERATION_LIMIT_EXCEEDED",
          limit: "cost",
          actual: 3 + 1 + 10 + 100 + 1_000,
          allowed: 500,
        },
      },
    ]);
  });
  expect([grown('plans_total{cache="miss"}'), grown('plans_total{cache="hit"}')]).toEqual([0, 0]);
  expect(grown('requests_total{operation="Dear",outcome="refused"}')).toBe(1);
});

test("plans that are kept, fetches by branch and the request's line", async () => {
  const query = 'query Line { reader(id: "south:1") { name } }';
  const grown = await growth(async () => {
    await library.ask(query, {}, { "x-request-id": "line-1" });
    await library.ask(query, {}, { "x-request-id": "line-2" });
    await vi.waitFor(() => expect(lines.filter(({ operation }) => operation === "Line")).toHaveLength(2));
  });
  expect([grown('plans_total{cache="miss"}'), grown('plans_total{cache="hit"}')]).toEqual([1, 1]);
  expect(grown('fetches_total{subgraph="branch",partition="south",outcome="answered"}')).toBe(2);
  expect(grown('fetches_total{subgraph="branch",partition="north",outcome="answered"}')).toBe(0);
  expect((await samples()).get("kept_plans")).toBeGreaterThan(0);
  const ofBoth = { msg: "request", level: 30, outcome: "ok", status: 200, fetches: 1 };
  expect(lines.filter(({ operation }) => operation === "Line")).toMatchObject([
    { ...ofBoth, requestId: "line-1" },
    { ...ofBoth, requestId: "line-2" },
  ]);
});

test("a branch that is down is an open circuit, a warning and an error by code", async () => {
  await library.stopBranch("west");
  const grown = await growth(async () => {
    await library.ask('query Down { reader(id: "west:1") { name } }');
    await vi.waitFor(() => expect(lines.filter(({ operation }) => operation === "Down")).toHaveLength(1));
  });
  expect(grown('errors_total{operation="Down",code="BRANCH_UNAVAILABLE"}')).toBe(1);
  expect(grown('fetches_total{subgraph="branch",partition="west",outcome="refused"}')).toBe(1);
  expect(grown('circuit_changes_total{state="open"}')).toBeGreaterThanOrEqual(1);
  expect((await samples()).get('open_circuits{subgraph="branch",partition="west"}')).toBe(1);
  expect(lines.filter(({ operation }) => operation === "Down")).toMatchObject([
    { level: 40, outcome: "partial", failedFetches: 1, errors: { BRANCH_UNAVAILABLE: 1 } },
  ]);
  await library.startBranch("west");
  await vi.waitFor(
    async () => expect((await samples()).get('open_circuits{subgraph="branch",partition="west"}')).toBe(0),
    5_000,
  );
});
