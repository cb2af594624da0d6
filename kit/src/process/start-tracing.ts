/** Starts tracing. OpenTelemetry's SDK is loaded only in a process that has a collector. */
import type { TracingConfig } from "./config.ts";
import type { SpanRecorder } from "./tracing-exporter.ts";

/** Sends this process's spans to the configured collector. Without one it does nothing. */
export async function startTracing(service: string, config: TracingConfig): Promise<SpanRecorder> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_SAMPLER_ARG: ratio } = config;
  if (endpoint === undefined) return { stop: async () => {} };
  const { exportSpans } = await import("./tracing-exporter.ts");
  return exportSpans(service, endpoint, ratio);
}
