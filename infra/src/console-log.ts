/** Log records as lines for people, for the terminal that a cluster was started in. */
import { createLogger, type Logger } from "@teranga/kit/process/log.ts";

const WARN = 40;

/** @param write takes each line, with its line feed */
export function createConsoleLog(write: (line: string) => void): Logger {
  return createLogger("cluster", "info", { write: (record: string) => write(lineOf(record)) });
}

function lineOf(record: string): string {
  const { time, level, msg, service: _, err, ...details } = JSON.parse(record) as Record<string, unknown>;
  const clock = new Date(String(time)).toTimeString().slice(0, 8);
  const extra = Object.entries(details).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const reason = err ? [(err as { message?: string }).message] : [];
  return `${[clock, ...(Number(level) >= WARN ? ["!"] : []), msg, ...reason, ...extra].join(" ")}\n`;
}
