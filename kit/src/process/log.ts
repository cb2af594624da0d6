/** Structured logs: one JSON line an event, on standard output or where the caller wants them. */
import { type DestinationStream, type Logger, pino } from "pino";
import { LossyOutput } from "./output.ts";

export type { Logger } from "pino";

/** A logger whose lines carry the service's name. Credentials never reach a line, wherever they appear. */
export function createLogger(service: string, level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: ["credential", "*.credential", "headers.authorization", "*.headers.authorization"],
  };
  return pino(options, destination ?? new LossyOutput((lostLines) => lossLine(service, lostLines)));
}

/** A line of its own making: a logger cannot be asked for one while it writes another. */
function lossLine(service: string, lostLines: number): string {
  const time = new Date().toISOString();
  const msg = "lines of this log are lost: its disk was full, or its pipe not read";
  return `${JSON.stringify({ level: pino.levels.values.warn, time, service, lostLines, msg })}\n`;
}
