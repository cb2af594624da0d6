/** Spans over real HTTP: one trace through a chain of services, and none from an invalid trace context. */
import { TraceFlags, trace } from "@opentelemetry/api";
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor } from "@opentelemetry/sdk-trace";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { authorization } from "../http/credential.ts";
import type { RunningServer } from "../http/listen.ts";
import { startSubgraphServer } from "../http/server.ts";
import { createTransport } from "../http/transport.ts";
import { createLogger } from "./log.ts";
import { currentSpan, inBatchSpan, injectTrace, inSpan } from "./tracing.ts";
import type { SpanRecorder } from "./tracing-exporter.ts";
import { recordSpans } from "./tracing-exporter.ts";

const CREDENTIAL = "a-credential-for-tests";
const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const exporter = new InMemorySpanExporter();
const transport = createTransport({ credential: CREDENTIAL });
let recorder: SpanRecorder;
let last: RunningServer;
let first: RunningServer;

/** The first service asks the last one. */
beforeAll(async () => {
  recorder = recordSpans("test", new SimpleSpanProcessor({ exporter }));
  const start = (ask: () => Promise<unknown>) =>
    startSubgraphServer({
      subgraph: "asked",
      typeDefs: "type Query { asked: Boolean }",
      resolvers: { Query: { asked: async () => Boolean(await ask()) } },
      createContext: () => ({}),
      credential: CREDENTIAL,
      port: 0,
      log: createLogger("test", "silent"),
      checkReady: () => Promise.resolve(),
    });
  last = await start(async () => true);
  first = await start(() => inSpan("work", {}, () => transport.send(last.url, { query: "{ asked }" })));
});
afterAll(async () => {
  await first.close();
  await last.close();
  await transport.close();
  await recorder.stop();
});
beforeEach(() => exporter.reset());

async function post(headers: Record<string, string>): Promise<number> {
  const response = await fetch(first.url, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: authorization(CREDENTIAL), ...headers },
    body: JSON.stringify({ query: "{ asked }" }),
  });
  await response.text();
  return response.status;
}

/** All spans, once this many have ended. A server's ends just after its answer. */
async function spans(count: number): Promise<ReadableSpan[]> {
  await vi.waitFor(() => expect(exporter.getFinishedSpans()).toHaveLength(count));
  return exporter.getFinishedSpans();
}

/** Each span's name after its parents' names. */
function pathsOf(all: readonly ReadableSpan[]): string[] {
  const byId = new Map(all.map((span) => [span.spanContext().spanId, span]));
  const pathOf = (span: ReadableSpan): string => {
    const parent = byId.get(span.parentSpanContext?.spanId ?? "");
    return parent ? `${pathOf(parent)} > ${span.name}` : span.name;
  };
  return all.map(pathOf).sort();
}

const CHAIN = [
  "POST /graphql",
  "POST /graphql > work",
  "POST /graphql > work > POST",
  "POST /graphql > work > POST > POST /graphql",
];

test("a service goes on with its caller's trace, and passes it on", async () => {
  await post({ traceparent: `00-${TRACE_ID}-b7ad6b7169203331-01` });
  const all = await spans(4);
  expect(pathsOf(all)).toEqual(CHAIN);
  expect(new Set(all.map((span) => span.spanContext().traceId))).toEqual(new Set([TRACE_ID]));
  const root = all.find(({ parentSpanContext }) => parentSpanContext?.spanId === "b7ad6b7169203331")!;
  expect(root.attributes).toMatchObject({ "http.response.status_code": 200, "server.port": first.port });
});

test("a caller that does not record its trace is not recorded", async () => {
  await post({ traceparent: `00-${TRACE_ID}-b7ad6b7169203331-00` });
  await post({});
  expect(pathsOf(await spans(4))).toEqual(CHAIN);
});

test.each([
  ["nothing", ""],
  ["words", "not a trace"],
  ["zeros", `00-${"0".repeat(32)}-${"0".repeat(16)}-01`],
  ["other letters", `00-${"G".repeat(32)}-b7ad6b7169203331-01`],
  ["a short id", "00-0af7-b7ad6b7169203331-01"],
  ["a reserved version", `ff-${TRACE_ID}-b7ad6b7169203331-01`],
  ["7 kB", "0".repeat(7_000)],
])("a traceparent of %s is as if it were absent", async (_name, traceparent) => {
  expect(await post({ traceparent })).toBe(200);
  const all = await spans(4);
  expect(pathsOf(all)).toEqual(CHAIN);
  expect(new Set(all.map((span) => span.spanContext().traceId)).size).toBe(1);
  expect(all[0]!.spanContext().traceId).not.toBe(TRACE_ID);
});

test("nothing is recorded of who has no credential, nor of health", async () => {
  expect(await post({ authorization: "Bearer wrong" })).toBe(401);
  expect((await fetch(first.url.replace("/graphql", "/health/live"))).status).toBe(200);
  await post({});
  expect(pathsOf(await spans(4))).toEqual(CHAIN);
});

test("a span whose work fails says so, and the failure goes on", async () => {
  const failing = inSpan("fails", {}, () => Promise.reject(new Error("why")));
  await expect(failing).rejects.toThrow("why");
  const [span] = await spans(1);
  expect(span!.status).toMatchObject({ message: "why" });
});

test("a batch is in the trace of its first message, and linked both ways with the others", async () => {
  await inSpan("first", {}, () => {
    const first = currentSpan();
    const sendBoth = () => inBatchSpan("batch", {}, [first, currentSpan(), undefined], async () => {});
    return inSpan("second", { root: true }, sendBoth);
  });
  const all = Object.fromEntries((await spans(3)).map((span) => [span.name, span]));
  const linksOf = (name: string) => all[name]!.links.map((link) => link.context.spanId);
  const idOf = (name: string) => all[name]!.spanContext().spanId;
  expect(all.batch!.parentSpanContext!.spanId).toBe(idOf("first"));
  expect(linksOf("batch")).toEqual([idOf("second")]);
  expect(linksOf("second")).toEqual([idOf("batch")]);
  expect(all.batch!.spanContext().traceId).not.toBe(all.second!.spanContext().traceId);
});

test("a batch that nobody records is not recorded", async () => {
  const unsampled = { traceId: TRACE_ID, spanId: "b7ad6b7169203331", traceFlags: TraceFlags.NONE };
  const cause = trace.wrapSpanContext(unsampled);
  await inSpan("other", {}, () => inBatchSpan("batch", {}, [cause, undefined], async () => {}));
  await inSpan("another", {}, () => inBatchSpan("batch of nobody", {}, [], async () => {}));
  expect(pathsOf(await spans(3))).toEqual(["another", "batch of nobody", "other"]);
});

test("outside of any span there is nothing to pass on", () => {
  const headers: Record<string, string> = {};
  injectTrace(headers);
  expect(headers).toEqual({});
});
