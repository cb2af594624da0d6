/**
 * A database that cannot be reached has done nothing. One that breaks off during a
 * mutation may have carried it out.
 */
import { expect, test } from "vitest";
import { codedError } from "./errors.ts";
import { tellUnknownOutcomes } from "./mutation-outcome.ts";

const warned: unknown[] = [];
const context = { requestLog: { warn: (line: unknown) => warned.push(line) } };

const unavailable = codedError("CITY_UNAVAILABLE", "The city is unavailable.", { city: "thies" });

async function failWith(error: unknown): Promise<unknown> {
  const write = () => Promise.reject(error);
  const { write: told } = tellUnknownOutcomes({ write }, unavailable);
  return (told as (...all: unknown[]) => Promise<unknown>)(null, {}, context, null).catch((thrown) => thrown);
}

test.each(["CONNECTION_CLOSED", "ECONNRESET", "EPIPE", "57P01", "57P02", "08006"])(
  "after %s it is not known what became of a mutation, and the log says so",
  async (code) => {
    warned.length = 0;
    expect(await failWith({ code })).toMatchObject({
      extensions: { code: "OUTCOME_UNKNOWN", city: "thies" },
    });
    expect(warned).toEqual([{ err: { code }, mutation: "write" }]);
  },
);

test.each(["ECONNREFUSED", "CONNECT_TIMEOUT", "57P03", "40001", "25006"])(
  "after %s the same may be sent again, and the log says why",
  async (code) => {
    warned.length = 0;
    expect(await failWith({ code })).toMatchObject({
      message: "The city is unavailable. The same may be sent again, with its idempotency key.",
      extensions: { code: "CITY_UNAVAILABLE", city: "thies" },
    });
    expect(warned).toEqual([{ err: { code }, mutation: "write" }]);
  },
);

test.each([{ code: "23505" }, codedError("BAD_USER_INPUT", "no"), new Error("a fault"), undefined])(
  "%s is passed on",
  async (error) => {
    expect(await failWith(error)).toBe(error);
  },
);

test("what is answered is answered", async () => {
  const { write } = tellUnknownOutcomes({ write: () => 1 }, unavailable);
  expect(await (write as (...all: unknown[]) => Promise<unknown>)(null, {}, context, null)).toBe(1);
});
