/**
 * Goal: a trace shows the gateway's fetches with their results, and its planning. Method: spans recorded in
 * memory.
 */
import { SpanKind } from "@opentelemetry/api";
import { InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace";
import type { SpanRecorder } from "@teranga/kit/process/tracing-exporter.ts";
import { recordSpans } from "@teranga/kit/process/tracing-exporter.ts";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type Graph, startGraph } from "./harness/graph.ts";

const exporter = new InMemorySpanExporter();
let recorder: SpanRecorder;
let graph: Graph;
beforeAll(async () => {
  recorder = recordSpans("test", new SimpleSpanProcessor({ exporter }));
  graph = await startGraph();
});
afterAll(async () => {
  await graph.close();
  await recorder.stop();
});
afterEach(() => exporter.reset());

const named = (name: string) => exporter.getFinishedSpans().filter((span) => span.name === name);
const fetchesOf = (city: string) =>
  named("gateway.fetch")
    .map(({ attributes }) => attributes)
    .filter((attributes) => attributes["teranga.city"] === city);

test("a fetch says whom it asked and what came of it", async () => {
  graph.proxy("thies").set("refusing");
  await graph.query("query Trace { cities { name } }");
  graph.proxy("thies").set("open");
  expect(named("gateway.fetch")).toHaveLength(4);
  expect(fetchesOf("dakar")).toEqual([
    {
      "teranga.subgraph": "city",
      "teranga.city": "dakar",
      "teranga.result": "answered",
      "teranga.attempts": 1,
      "teranga.shared": false,
    },
  ]);
  expect(fetchesOf("thies")[0]!["teranga.result"]).not.toBe("answered");
});

test("an operation is planned once, and the request says which it was", async () => {
  for (let times = 0; times < 2; times++) {
    await graph.query('query Planned { city(id: "dakar") { name } }');
    expect(named("gateway.plan")).toHaveLength(1);
  }
  const requests = exporter.getFinishedSpans().filter(({ kind }) => kind === SpanKind.SERVER);
  const operations = requests.map(({ attributes }) => attributes["graphql.operation.name"]);
  expect(operations).toContain("Planned");
});
