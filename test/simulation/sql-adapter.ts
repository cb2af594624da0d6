/**
 * The tagged templates of `postgres`, as far as the cities use them, over something that executes text with
 * parameters: nested fragments, `sql(name)`, `sql.json(value)`, arrays, dates. A query runs when it is
 * awaited, as with the driver.
 */
import type { Sql } from "@teranga/kit/postgres/database.ts";

/** Executes a statement. Rejects with an error that has the SQLSTATE as `code`, or a code of the driver's. */
export type ExecuteStatement = (text: string, parameters: unknown[]) => Promise<Record<string, unknown>[]>;

export function createSql(execute: ExecuteStatement): Sql {
  const sql = (first: TemplateStringsArray | string, ...values: unknown[]) =>
    typeof first === "string" ? new Identifier(first) : new Query(execute, first, values);
  return Object.assign(sql, { json: (value: unknown) => JSON.stringify(value) }) as unknown as Sql;
}

/** A column's name. */
class Identifier {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** A statement, or a part of one. */
class Query implements PromiseLike<Record<string, unknown>[]> {
  readonly #execute: ExecuteStatement;
  readonly #strings: TemplateStringsArray;
  readonly #values: unknown[];

  constructor(execute: ExecuteStatement, strings: TemplateStringsArray, values: unknown[]) {
    this.#execute = execute;
    this.#strings = strings;
    this.#values = values;
  }

  /** The text, with the values of all parts in one list. */
  compile(parameters: unknown[]): string {
    let text = this.#strings[0]!;
    for (const [index, value] of this.#values.entries()) {
      if (value instanceof Query) text += value.compile(parameters);
      else if (value instanceof Identifier) text += `"${value.name.replaceAll('"', '""')}"`;
      else text += `$${parameters.push(value)}`;
      text += this.#strings[index + 1]!;
    }
    return text;
  }

  // biome-ignore lint/suspicious/noThenProperty: a query of the driver runs when it is awaited
  then<Fulfilled, Rejected>(
    onFulfilled?: ((rows: Record<string, unknown>[]) => Fulfilled | PromiseLike<Fulfilled>) | null,
    onRejected?: ((error: unknown) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<Fulfilled | Rejected> {
    const parameters: unknown[] = [];
    return this.#execute(this.compile(parameters), parameters).then(onFulfilled, onRejected);
  }
}
