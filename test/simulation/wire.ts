/**
 * Prepared statements of a PGlite instance over PostgreSQL's own protocol, several in one message: its
 * `query` and `exec` take two to five times as long for a short statement, and most of a run is short
 * statements.
 */
import { type PGlite, types } from "@electric-sql/pglite";

export interface Statement {
  /** A message that executes it begins with this: Bind, to the unnamed portal. */
  head: Uint8Array;
  columns: { name: string; type: number }[];
}

export type Row = Record<string, unknown>;

/** Executes the unnamed portal, to its end. */
const EXECUTE = message("E", Buffer.alloc(5));
const SYNC = message("S", Buffer.alloc(0));
/** All parameters and all columns as text. */
const TEXT = Buffer.alloc(2);
const NULL = Buffer.from([255, 255, 255, 255]);

export class Wire {
  readonly #db: PGlite;
  #prepared = 0;

  constructor(db: PGlite) {
    this.#db = db;
  }

  /** @throws an error with `code` if the statement is not valid */
  prepare(text: string): Statement {
    const name = `statement_${++this.#prepared}\0`;
    const parse = message("P", Buffer.concat([Buffer.from(`${name}${text}\0`), TEXT]));
    const describe = message("D", Buffer.from(`S${name}`));
    const columns: Statement["columns"] = [];
    for (const { kind, body } of this.#exchange([parse, describe, SYNC])) {
      if (kind === "T") columns.push(...readColumns(body));
    }
    return { head: Buffer.concat([Buffer.from(`\0${name}`), TEXT]), columns };
  }

  /**
   * Executes statements as one transaction. Returns the rows of each.
   * @throws an error with `code` and `constraint_name`
   */
  execute(steps: readonly { statement: Statement; parameters: readonly unknown[] }[]): Row[][] {
    const messages = steps.flatMap(({ statement, parameters }) => [bind(statement, parameters), EXECUTE]);
    const results: Row[][] = [];
    for (const { kind, body } of this.#exchange([...messages, SYNC])) {
      // Of each statement first comes that it is bound.
      if (kind === "2") results.push([]);
      else if (kind === "D") results.at(-1)!.push(this.#readRow(body, steps[results.length - 1]!.statement));
    }
    return results;
  }

  #exchange(messages: readonly Uint8Array[]): Message[] {
    const answers = [...split(this.#send(Buffer.concat(messages)))];
    const error = answers.find(({ kind }) => kind === "E");
    if (error) throw readError(error.body);
    return answers;
  }

  /** As a stream, which comes to its end at once: what is asked for as a whole PGlite reads too. */
  #send(bytes: Uint8Array): Buffer {
    const chunks: Uint8Array[] = [];
    // The bytes are in the database's memory, and are there for this call.
    const onRawData = (chunk: Uint8Array) => chunks.push(chunk.slice());
    void this.#db.execProtocolRawStream(bytes, { syncToFs: false, onRawData });
    return Buffer.concat(chunks);
  }

  #readRow(body: Buffer, { columns }: Statement): Row {
    const row: Row = {};
    let at = 2;
    for (const { name, type } of columns) {
      const length = body.readInt32BE(at);
      at += 4;
      if (length < 0) row[name] = null;
      else {
        row[name] = types.parseType(body.toString("utf8", at, at + length), type, this.#db.parsers);
        at += length;
      }
    }
    return row;
  }
}

interface Message {
  kind: string;
  body: Buffer;
}

function message(kind: string, body: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.write(kind, "latin1");
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

function bind({ head }: Statement, parameters: readonly unknown[]): Buffer {
  const count = Buffer.alloc(2);
  count.writeInt16BE(parameters.length);
  return message("B", Buffer.concat([head, count, ...parameters.flatMap(parameter), TEXT]));
}

/** A value as text; PostgreSQL takes it for what the statement needs there. */
function parameter(value: unknown): Buffer[] {
  if (value === null || value === undefined) return [NULL];
  const text = Buffer.from(asText(value));
  const length = Buffer.alloc(4);
  length.writeInt32BE(text.length);
  return [length, text];
}

function asText(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return `{${value.map((item) => JSON.stringify(String(item))).join(",")}}`;
  return String(value);
}

function* split(all: Buffer): Generator<Message> {
  for (let at = 0; at < all.length; ) {
    const length = all.readInt32BE(at + 1);
    yield { kind: String.fromCharCode(all[at]!), body: all.subarray(at + 5, at + 1 + length) };
    at += 1 + length;
  }
}

function readColumns(body: Buffer): Statement["columns"] {
  let at = 2;
  return Array.from({ length: body.readInt16BE(0) }, () => {
    const end = body.indexOf(0, at);
    const name = body.toString("utf8", at, end);
    const type = body.readInt32BE(end + 7);
    at = end + 19;
    return { name, type };
  });
}

/** Fields of a letter and a text each; named as the driver names them. */
function readError(body: Buffer): Error {
  const fields = new Map(
    body
      .toString("utf8")
      .split("\0")
      .filter(Boolean)
      .map((field) => [field[0], field.slice(1)]),
  );
  const error = new Error(fields.get("M"));
  return Object.assign(error, { code: fields.get("C"), constraint_name: fields.get("n") });
}
