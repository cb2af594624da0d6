/** Goal: each request is one log line and updates the metrics, within bounds. Method: HTTP at the door. */
import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { authorization } from "@teranga/kit/http/credential.ts";
import { Registry } from "@teranga/kit/process/metrics.ts";
import { afterEach, describe, expect, test, vi } from "vitest";
import { DOOR_CREDENTIAL, type Door, startDoor } from "../fixture/door.ts";
import { ask } from "../fixture/library.ts";
import { RequestRecord } from "../sources/request-record.ts";
import { BoundedLabels, OTHER, UNNAMED } from "./bounded-labels.ts";
import { createGatewayMetrics } from "./metrics.ts";
import { createSafelist } from "./safelist.ts";
import { surfaceOf } from "./surface.ts";

let door: Door | undefined;
afterEach(async () => {
  await door?.close();
  door = undefined;
});

async function open(...options: Parameters<typeof startDoor>): Promise<Door> {
  door = await startDoor(...options);
  return door;
}

async function samplesOf(registry: Registry): Promise<Map<string, number>> {
  const samples = (await registry.metrics()).matchAll(/^(\w+(?:\{.*\})?) (\S+)$/gm);
  return new Map(Array.from(samples, ([, name, value]) => [name!, Number(value)]));
}

/** The log lines of requests. They are written after the answer, so this waits for them. */
async function requestLines({ lines }: Door, count: number): Promise<Record<string, unknown>[]> {
  const found = () => lines.filter(({ msg }) => msg === "request");
  await vi.waitFor(() => expect(found()).toHaveLength(count));
  return found();
}

describe("a request's line", () => {
  test("says what it was, what became of it and what it took, but neither its variables nor its text", async () => {
    const opened = await open();
    const query =
      'query Ask($word: String) { secret(word: $word) other: secret(word: "in the text") me { name } }';
    await ask(opened.url, query, { word: "in the variables" }, { "x-request-id": "mine-1" });
    const [line] = await requestLines(opened, 1);
    expect(line).toMatchObject({
      level: 30,
      requestId: "mine-1",
      operation: "Ask",
      type: "query",
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      status: 200,
      outcome: "ok",
      durationMs: expect.any(Number),
      fetches: 3,
      failedFetches: 1,
      sharedFetches: 1,
      retriedFetches: 1,
    });
    expect(line).not.toHaveProperty("errors");
    expect(JSON.stringify(opened.lines)).not.toMatch(/in the (text|variables)/);
  });

  test("has a name of a length that can be read, however long it is", async () => {
    const opened = await open();
    await ask(opened.url, `query ${"A".repeat(200)} { secret }`);
    const [line] = await requestLines(opened, 1);
    expect(line!.operation).toBe("A".repeat(100));
    expect(await opened.registry.metrics()).toContain('requests_total{operation="(other)",outcome="ok"} 1');
  });

  test.each([
    ["{ away secret }", 40, "partial", 200, { CITY_UNAVAILABLE: 1 }],
    ["{ fails a: fails }", 50, "partial", 200, { INTERNAL_SERVER_ERROR: 2 }],
    ["{ nothing other }", 30, "refused", 400, { GRAPHQL_VALIDATION_FAILED: 2 }],
    ["{", 30, "refused", 400, { GRAPHQL_PARSE_FAILED: 1 }],
    ["", 30, "refused", 400, { BAD_REQUEST: 1 }],
  ])("of %j has level %i and outcome %s", async (query, level, outcome, status, errors) => {
    const opened = await open();
    await ask(opened.url, query);
    const [line] = await requestLines(opened, 1);
    expect(line).toMatchObject({ level, outcome, status, errors });
  });

  test("is there for a request that is not even GraphQL, and not for health or preflights", async () => {
    const opened = await open();
    const headers = { "content-type": "application/json" };
    await fetch(opened.url, { method: "POST", headers, body: "{" });
    await fetch(opened.url, { method: "OPTIONS" });
    await fetch(new URL("/nowhere", opened.url));
    const lines = await requestLines(opened, 1);
    expect(lines).toMatchObject([
      { outcome: "refused", status: 400, fetches: 0, requestId: expect.any(String) },
    ]);
  });

  test("and for one that is refused because it came when there was too much: no error of ours", async () => {
    const { url, registry, lines, release } = await open({}, { connections: { requestsMax: 1 } });
    const headers = { "content-type": "application/json" };
    const post = (query: string) => fetch(url, { method: "POST", headers, body: JSON.stringify({ query }) });
    const late = request(url, {
      method: "POST",
      headers: { ...headers, "content-length": 2 },
      agent: new Agent(),
    });
    late.write("{");
    const underWay = async () => (await samplesOf(registry)).get("teranga_gateway_requests_under_way");
    await vi.waitFor(async () => expect(await underWay()).toBe(1));
    const hanging = post("{ hangs }");
    await vi.waitFor(async () => expect((await post("{ secret }")).status).toBe(503));
    late.end("}");
    const [answer] = (await once(late, "response")) as [IncomingMessage];
    expect(answer.resume().statusCode).toBe(503);
    const refused = () => lines.filter(({ msg, status }) => msg === "request" && status === 503);
    await vi.waitFor(() => expect(refused()).not.toEqual([]));
    expect(refused()).toMatchObject([{ level: 30, outcome: "refused" }]);
    release();
    await hanging;
  });

  test("and for a client that goes before its answer", async () => {
    const opened = await open();
    const body = JSON.stringify({ query: "{ hangs }" });
    const headers = { "content-type": "application/json", "content-length": body.length };
    const sent = request(opened.url, { method: "POST", headers, agent: new Agent() });
    sent.on("error", () => {}).end(body);
    const underWay = async () => (await samplesOf(opened.registry)).get("teranga_gateway_requests_under_way");
    await vi.waitFor(async () => expect(await underWay()).toBe(1));
    sent.destroy();
    expect(await requestLines(opened, 1)).toMatchObject([{ outcome: "aborted", status: 499 }]);
    expect(await underWay()).toBe(0);
    opened.release();
  });
});

describe("metrics", () => {
  test("of operations, errors, subgraphs and cities move with a request", async () => {
    const opened = await open();
    await ask(opened.url, "query Ask { me { name } }");
    await ask(opened.url, "query Ask { me { name } away }");
    await ask(opened.url, "{ nothing }");
    await requestLines(opened, 3);
    const samples = await samplesOf(opened.registry);
    for (const [name, value] of Object.entries({
      'requests_total{operation="Ask",outcome="ok"}': 1,
      'requests_total{operation="Ask",outcome="partial"}': 1,
      'requests_total{operation="(unnamed)",outcome="refused"}': 1,
      'request_seconds_count{operation="Ask"}': 2,
      'errors_total{operation="Ask",code="CITY_UNAVAILABLE"}': 1,
      'errors_total{operation="(unnamed)",code="GRAPHQL_VALIDATION_FAILED"}': 1,
      'fetches_total{subgraph="city",partition="dakar",outcome="answered"}': 2,
      'fetches_total{subgraph="city",partition="thies",outcome="broken-circuit"}': 2,
      'fetches_total{subgraph="catalog",partition="",outcome="answered"}': 2,
      'fetch_seconds_count{subgraph="city",partition="dakar"}': 2,
      'fetch_seconds_bucket{le="0.025",subgraph="city",partition="dakar"}': 0,
      'fetch_seconds_bucket{le="0.05",subgraph="city",partition="dakar"}': 2,
      'shared_fetches_total{subgraph="catalog"}': 2,
      'fetch_retries_total{subgraph="city"}': 2,
      'plans_total{cache="miss"}': 2,
      'planning_seconds_bucket{le="0.0025"}': 0,
      'planning_seconds_bucket{le="0.005"}': 2,
      requests_under_way: 0,
    })) {
      expect(samples.get(`teranga_gateway_${name}`), name).toBe(value);
    }
  });

  test("show the state of the gateway at the time of the scrape", async () => {
    const circuit = (partition: string, state: "closed" | "open" | "half-open") => ({
      subgraph: "city",
      partition,
      url: "http://a",
      state,
    });
    const state = {
      plans: 7,
      generation: 3,
      omitted: 2,
      circuits: [circuit("dakar", "open"), circuit("dakar", "half-open"), circuit("thies", "closed")],
    };
    const { registry } = await open({}, { state });
    const shown = async () => Object.fromEntries(await samplesOf(registry));
    expect(await shown()).toMatchObject({
      teranga_gateway_kept_plans: 7,
      teranga_gateway_graph_generation: 3,
      teranga_gateway_omitted_parts: 2,
      'teranga_gateway_open_circuits{subgraph="city",partition="dakar"}': 2,
      'teranga_gateway_open_circuits{subgraph="city",partition="thies"}': 0,
    });
    state.circuits = [circuit("thies", "open")];
    const later = await shown();
    expect(later['teranga_gateway_open_circuits{subgraph="city",partition="thies"}']).toBe(1);
    // The values of a city that has left the topology disappear.
    expect(later).not.toHaveProperty('teranga_gateway_open_circuits{subgraph="city",partition="dakar"}');
  });

  test("are for those who show the service credential, and in development for anyone", async () => {
    const { url } = await open();
    const read = (headers: Record<string, string> = {}) => fetch(new URL("/metrics", url), { headers });
    expect((await read()).status).toBe(404);
    expect((await read({ authorization: authorization("another credential") })).status).toBe(404);
    const answer = await read({ authorization: authorization(DOOR_CREDENTIAL) });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain("teranga_gateway_requests_total");
    const development = await startDoor(surfaceOf("development"));
    expect((await fetch(new URL("/metrics", development.url))).status).toBe(200);
    await development.close();
  });

  test("do not grow with the names that clients make up, nor with codes or cities", async () => {
    const registry = new Registry();
    const metrics = createGatewayMetrics(registry, () => ({
      plans: 0,
      generation: 0,
      omitted: 0,
      circuits: [],
    }));
    for (let index = 0; index < 5_000; index++) {
      const record = new RequestRecord("id", false, () => 0);
      record.operation = { name: `Made${index}`, type: "query", hash: undefined };
      for (let code = 0; code < 50; code++) record.told(`CODE_${index % 10}_${code}`);
      metrics.requestEnded(record, "ok");
      metrics.fetched({
        subgraph: "city",
        partition: `city-${index}`,
        outcome: "answered",
        durationMs: 1,
        attempts: 1,
        shared: false,
      });
    }
    const samples = [...(await samplesOf(registry)).keys()];
    const count = (name: string) =>
      samples.filter((sample) => sample.startsWith(`teranga_gateway_${name}{`)).length;
    expect(count("requests_total")).toBe(101);
    expect(count("fetches_total")).toBe(2_049);
    expect(count("fetch_seconds_count")).toBe(129);
    expect(new Set(samples.map((sample) => /code="(.*?)"/.exec(sample)?.[1])).size).toBeLessThanOrEqual(103);
    expect(samples.length).toBeLessThan(25_000);
  });

  test("know the names of a safelist from the beginning", async () => {
    const operations = [{ id: "1", name: "Listed", type: "query", body: "query Listed { secret }" }];
    const manifest = JSON.stringify({ format: "apollo-persisted-query-manifest", version: 1, operations });
    const opened = await open({ safelist: createSafelist(manifest, "log") });
    await ask(opened.url, "query Listed { secret }");
    await ask(opened.url, "query Made { secret }");
    await requestLines(opened, 2);
    const samples = await samplesOf(opened.registry);
    expect(samples.get('teranga_gateway_requests_total{operation="Listed",outcome="ok"}')).toBe(1);
    expect(samples.get('teranga_gateway_requests_total{operation="(other)",outcome="ok"}')).toBe(1);
  });
});

test("labels are bounded in number and length", () => {
  const labels = new BoundedLabels({ valuesMax: 2 });
  expect(["a", "b", "c", "a", undefined, ""].map((name) => labels.of(name))).toEqual([
    "a",
    "b",
    OTHER,
    "a",
    UNNAMED,
    UNNAMED,
  ]);
  expect(new BoundedLabels({ valuesMax: 2 }).of("a".repeat(65))).toBe(OTHER);
  const closed = new BoundedLabels({ valuesMax: 1, known: ["a", "b"] });
  expect(["a", "b", "c"].map((name) => closed.of(name))).toEqual(["a", "b", OTHER]);
});

test("values that are made up leave room for those that come again and again", () => {
  const labels = new BoundedLabels({ valuesMax: 200, atOnceMax: 100 });
  for (let number = 0; number < 5_000; number++) labels.of(`Junk${number}`);
  const ofOne = Array.from({ length: 20 }, () => labels.of("ShopWindow"));
  expect(ofOne).toEqual([...Array.from({ length: 19 }, () => OTHER), "ShopWindow"]);
  // Frequent names are found among random ones, too.
  for (let number = 0; number < 5_000; number++) {
    labels.of(`Others${number}`);
    // So rare that random names are dropped in between.
    if (number % 100 === 0) labels.of("PlaceOrder");
  }
  expect(labels.of("PlaceOrder")).toBe("PlaceOrder");
});

test("a code that is none reaches neither the log nor the metrics", () => {
  const record = new RequestRecord("id", false, () => 0);
  for (const code of ["CITY_UNAVAILABLE", "a\r\nb", "\u202ecod", "x".repeat(101), "(none)"])
    record.told(code);
  expect(Object.fromEntries(record.errors)).toEqual({ CITY_UNAVAILABLE: 1, "(other)": 3, "(none)": 1 });
  for (let number = 0; number < 100; number++) record.told(`CODE_${number}`);
  expect([record.errors.size, record.errors.get("(other)")]).toEqual([20, 86]);
});

test("what is told of a request's fetches is bounded", () => {
  const record = new RequestRecord("id", true, () => 0);
  const fetch = { subgraph: "city", outcome: "answered", durationMs: 1, attempts: 1, shared: false } as const;
  for (let index = 0; index < 2_000; index++) record.fetched(fetch);
  expect(record.explanation!.fetches).toHaveLength(1_500);
  expect(record.explanation!.fetchesNotListed).toBe(500);
  expect(record.fetches).toBe(2_000);
});
