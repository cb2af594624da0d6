/** Structured logs: one JSON line for each event, on standard output or at another destination. */
import { type DestinationStream, type Logger, pino } from "pino";
import { LossyOutput } from "./output.ts";

export type { Logger } from "pino";

/**
 * A logger whose lines carry the service's name. Credentials are removed from lines, wherever they appear.
 */
export function createLogger(service: string, level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: ["credential", "*.credential", "headers.authorization", "*.headers.authorization"],
  };
  return pino(options, destination ?? new LossyOutput((lostLines) => lossLine(service, lostLines)));
}

/** Written without a logger, because a logger cannot write a line while it writes another. */
function lossLine(service: string, lostLines: number): string {
  const time = new Date().toISOString();
  const msg = "lines of this log are lost: its disk was full, or its pipe not read";
  return `${JSON.stringify({ level: pino.levels.values.warn, time, service, lostLines, msg })}\n`;
}
