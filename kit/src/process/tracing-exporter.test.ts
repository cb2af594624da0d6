/** Sending spans to a collector over the wire: where they go, and what a collector that is away costs. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { trace } from "@opentelemetry/api";
import { afterEach, expect, test } from "vitest";
import { startTracing } from "./start-tracing.ts";
import { inSpan } from "./tracing.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A collector that records what it receives. */
async function startCollector() {
  const received: { url: string | undefined; type: string | undefined; body: string }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString("latin1");
      received.push({ url: request.url, type: request.headers["content-type"], body });
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, received };
}

const config = (endpoint: string | undefined, ratio = 1) => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
  OTEL_TRACES_SAMPLER_ARG: ratio,
});

// The order of the tests matters: a tracer, once made, keeps to the first recorder of the process.
test("without a collector nothing is recorded", async () => {
  const recorder = await startTracing("test", config(undefined));
  await inSpan("work", {}, async (span) => {
    expect(span.isRecording()).toBe(false);
    expect(trace.getActiveSpan()).toBeUndefined();
  });
  await recorder.stop();
});

test("what was recorded is sent when the process ends, with the service's name", async () => {
  const { endpoint, received } = await startCollector();
  const recorder = await startTracing("city-dakar", config(endpoint));
  await inSpan("a span of a test", {}, async () => {});
  await recorder.stop();
  expect(received).toHaveLength(1);
  expect(received[0]).toMatchObject({ url: "/v1/traces", type: "application/x-protobuf" });
  expect(received[0]!.body).toContain("city-dakar");
  expect(received[0]!.body).toContain("a span of a test");
});
