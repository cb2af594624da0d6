/** Reads the serious lines from the logs of a run. */
import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";

export interface LogFindings {
  /** Alarms of a broken protocol. */
  alarms: string[];
  /**
   * Deadlocks and serialization failures that a service could not retry away, so that a client got an error.
   */
  lostTransactions: string[];
  /** Deadlocks and serialization failures on the database servers, also those that a retry resolved. */
  conflicts: number;
  /** The number of lines of level error, by message and error code. */
  errors: Map<string, number>;
}

interface LogRecord {
  level: number;
  msg: string;
  /** The code of the error, if the line has an error with a code. */
  code: string | undefined;
}

/** SQLSTATEs of a serialization failure and a deadlock. */
const LOST_TRANSACTION = /"code":"(40001|40P01)"/;
const CONFLICT = /deadlock detected|could not serialize access/;
const ERROR_LEVEL = 50;
const FATAL_LEVEL = 60;

export async function readServiceLogs(directory: string): Promise<LogFindings> {
  const findings: LogFindings = { alarms: [], lostTransactions: [], conflicts: 0, errors: new Map() };
  for (const name of await readdir(directory)) {
    const lines = createInterface({ input: createReadStream(join(directory, name)) });
    for await (const line of lines) {
      if (name.startsWith("postgres-")) findings.conflicts += CONFLICT.test(line) ? 1 : 0;
      else readServiceLine(line, `${name}: ${line}`, findings);
    }
  }
  return findings;
}

function readServiceLine(line: string, evidence: string, findings: LogFindings): void {
  const record = parseRecord(line);
  if (!record || record.level < ERROR_LEVEL) return;
  const what = record.code === undefined ? record.msg : `${record.msg} (${record.code})`;
  findings.errors.set(what, (findings.errors.get(what) ?? 0) + 1);
  if (record.level >= FATAL_LEVEL) findings.alarms.push(evidence);
  if (LOST_TRANSACTION.test(line)) findings.lostTransactions.push(evidence);
}

/** Undefined for a line that a kill cut short, or that is no record. */
function parseRecord(line: string): LogRecord | undefined {
  try {
    const { level, msg, err } = JSON.parse(line) as Partial<LogRecord> & { err?: { code?: string } };
    return typeof level === "number" ? { level, msg: msg ?? "", code: err?.code } : undefined;
  } catch {
    return undefined;
  }
}
