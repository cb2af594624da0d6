/**
 * Records spans and sends them to a collector, with the OpenTelemetry SDK. Loaded only if a collector is
 * configured. A process without one does not pay for the SDK, not even the time to load it.
 */
import { context, propagation, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  type SpanProcessor,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { setRecorded } from "./tracing.ts";

/**
 * A collector that is away must hold up neither the service nor its shutdown
 * (shutdown.ts leaves 10 s for everything).
 */
const EXPORT_LIMIT_MS = 2_000;
/** Spans that wait to be sent: about 2 MB. Beyond this, spans are dropped. */
const QUEUE_MAX = 4_096;

/** Records spans until it is stopped. */
export interface SpanRecorder {
  /**
   * Sends the waiting spans, within a limit, and stops recording. Never rejects: nothing depends on a span.
   */
  stop(): Promise<void>;
}

/** Records the spans of this process from now on. A process has one recorder. */
export function recordSpans(service: string, processor: SpanProcessor, ratio = 1): SpanRecorder {
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ "service.name": service }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
    spanProcessors: [processor],
  });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  setRecorded(true);
  return {
    async stop() {
      await Promise.allSettled([provider.shutdown()]);
      setRecorded(false);
      trace.disable();
      context.disable();
      propagation.disable();
    },
  };
}

/** @param endpoint the collector's base URL; spans go to `/v1/traces` below it */
export function exportSpans(service: string, endpoint: string, ratio: number): SpanRecorder {
  const exporter = new OTLPTraceExporter({
    url: `${endpoint.replace(/\/+$/, "")}/v1/traces`,
    timeoutMillis: EXPORT_LIMIT_MS,
  });
  const options = { exporter, exportTimeoutMillis: EXPORT_LIMIT_MS, maxQueueSize: QUEUE_MAX };
  return recordSpans(service, new BatchSpanProcessor(options), ratio);
}
