/** What tests read of recorded spans. */
import type { ReadableSpan } from "@opentelemetry/sdk-trace";

export const idOf = (span: ReadableSpan) => span.spanContext().spanId;

/** Each span's name after the names of its parents, without the spans of the gateway library. */
export function pathsOf(all: readonly ReadableSpan[]): string[] {
  const byId = new Map(all.map((span) => [idOf(span), span]));
  const pathOf = (span: ReadableSpan): string[] => {
    const parent = byId.get(span.parentSpanContext?.spanId ?? "");
    const above = parent ? pathOf(parent) : [];
    return span.name.startsWith("gateway.") ? above : [...above, span.name];
  };
  return all.map((span) => pathOf(span).join(" > ")).sort();
}
