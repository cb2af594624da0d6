/**
 * Spans, and their context from process to process (W3C Trace Context).
 *
 * This file uses OpenTelemetry's API only. Until an SDK is installed (tracing-exporter.ts), every call here
 * is a no-op of the API: no context is kept, no header is sent, nothing is recorded.
 */
import {
  type Attributes,
  context,
  INVALID_SPAN_CONTEXT,
  type Link,
  propagation,
  type Span,
  SpanKind,
  type SpanOptions,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import type { FastifyInstance, FastifyRequest } from "fastify";

const tracer = trace.getTracer("teranga");

/** The names of attributes that any program may set; docs/observability.md describes their values. */
export const ATTRIBUTE = {
  subgraph: "teranga.subgraph",
  shared: "teranga.shared",
  attempts: "teranga.attempts",
  result: "teranga.result",
  results: "teranga.results",
  entries: "teranga.entries",
} as const;

/** A span that records nothing. */
const NO_SPAN = trace.wrapSpanContext(INVALID_SPAN_CONTEXT);

/**
 * Whether spans are recorded. If not, no call reaches OpenTelemetry: its no-op spans cost 1 µs and three
 * promises each, and the gateway has two for each fetch.
 */
let isRecorded = false;

/** Called by a recorder when it starts and when it ends. */
export function setRecorded(recorded: boolean): void {
  isRecorded = recorded;
}

/**
 * Runs `run` in a span. The span is current for all work that `run` begins, and
 * ends when its promise settles.
 */
export function inSpan<Result>(
  name: string,
  options: SpanOptions,
  run: (span: Span) => Promise<Result>,
): Promise<Result> {
  if (!isRecorded) return run(NO_SPAN);
  return tracer.startActiveSpan(name, options, async (span) => {
    try {
      return await run(span);
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: (error as Error | undefined)?.message ?? "" });
      throw error;
    } finally {
      span.end();
    }
  });
}

/** The current span, so that work that is gathered and done later can say which span it was done for. */
export function currentSpan(): Span | undefined {
  return trace.getActiveSpan();
}

/**
 * Runs a batch that was gathered from several spans. The batch belongs to the trace of the first recorded
 * span. The other spans and the batch are linked both ways, so that each trace leads to the work done for it.
 * @param causes the values of `currentSpan` where each part of the batch was handed in
 */
export function inBatchSpan<Result>(
  name: string,
  attributes: Attributes,
  causes: readonly (Span | undefined)[],
  run: (span: Span) => Promise<Result>,
): Promise<Result> {
  const known = [...new Set(causes)].filter((cause) => cause !== undefined);
  const [first = known[0], ...others] = known.filter((cause) => cause.isRecording());
  const links = others.map((cause): Link => ({ context: cause.spanContext() }));
  // The context here belongs to whatever made room for the batch, which has nothing to do with it.
  const here = context.active();
  const parent = first ? trace.setSpan(here, first) : trace.deleteSpan(here);
  const runLinked = (span: Span) => {
    for (const cause of others) cause.addLink({ context: span.spanContext() });
    return run(span);
  };
  return context.with(parent, () => inSpan(name, { attributes, links }, runLinked));
}

/** Puts the current span's `traceparent` into the headers of a request. */
export function injectTrace(headers: Record<string, string>): void {
  if (isRecorded) propagation.inject(context.active(), headers);
}

/** The options of a span for a request to another service. */
export function clientSpan(url: string, operationName: string | undefined): SpanOptions {
  const attributes = { "url.full": url, "graphql.operation.name": operationName ?? "" };
  return { kind: SpanKind.CLIENT, attributes };
}

/**
 * The callers of a server. `services`: callers with the credential; their traces are continued.
 * `anyone`: a new trace begins and is linked to the caller's, so that no outside caller decides what
 * is recorded, or under which id.
 */
export type Callers = "services" | "anyone";

/**
 * A span for each request to a GraphQL path, from its headers to its answer. An invalid
 * `traceparent` counts as absent.
 */
export function traceRequests(app: FastifyInstance, callers: Callers): void {
  const spans = new WeakMap<FastifyRequest, Span>();
  app.addHook("onRequest", (request, _reply, done) => {
    if (request.routeOptions.url === GRAPHQL_PATH) spans.set(request, startRequestSpan(request, callers));
    done();
  });
  // Not in an earlier hook: while a body is read, the context is the connection's.
  app.addHook("preHandler", (request, _reply, done) => {
    const span = spans.get(request);
    if (span) context.with(trace.setSpan(context.active(), span), done);
    else done();
  });
  app.addHook("onResponse", (request, reply, done) => {
    const span = spans.get(request);
    span?.setAttribute("http.response.status_code", reply.statusCode);
    if (reply.statusCode >= 500) span?.setStatus({ code: SpanStatusCode.ERROR });
    span?.end();
    done();
  });
}

const GRAPHQL_PATH = "/graphql";

function startRequestSpan(request: FastifyRequest, callers: Callers): Span {
  const caller = propagation.extract(context.active(), request.headers);
  const options: SpanOptions = {
    kind: SpanKind.SERVER,
    attributes: {
      "http.request.method": request.method,
      "http.route": GRAPHQL_PATH,
      "server.port": request.socket.localPort ?? 0,
    },
  };
  const name = `${request.method} ${GRAPHQL_PATH}`;
  if (callers === "services") return tracer.startSpan(name, options, caller);
  const outside = trace.getSpanContext(caller);
  return tracer.startSpan(name, {
    ...options,
    root: true,
    ...(outside && { links: [{ context: outside }] }),
  });
}
