/** Subscribers' money and payments survive the end of the company's process, and take bounded room. */
import { appendFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Books, BooksFull } from "./books.ts";

const PAYER = "+221771234567";

let directory: string;
let journal: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "teranga-books-"));
  journal = join(directory, "journal");
});
afterEach(() => rm(directory, { recursive: true }));

const openBooks = (paymentsMax = 10) => new Books({ journal, openingBalance: 1_000, paymentsMax });

test("a line that was half written when the process was killed was never answered, and is dropped", async () => {
  const first = openBooks();
  expect(first.authorise("a", PAYER, 400)).toBe("AUTHORISED");
  first.close();
  const whole = await readFile(journal, "utf8");
  appendFileSync(journal, '{"payment":"b","state":"AUTHO');
  const second = openBooks();
  expect(await readFile(journal, "utf8")).toBe(whole);
  expect(second.moneyOf(PAYER)).toEqual({ free: 600, held: 400, taken: 0 });
  expect(second.settle("a", "capture")).toBe("DONE");
  second.close();
  const third = openBooks();
  expect(third.moneyOf(PAYER)).toEqual({ free: 600, held: 0, taken: 400 });
  third.close();
});

test("full books take no new payment, and go on with those that they have", () => {
  const books = openBooks(2);
  expect(books.authorise("a", PAYER, 400)).toBe("AUTHORISED");
  expect(books.settle("b", "void")).toBe("DONE");
  expect(() => books.authorise("c", PAYER, 1)).toThrow(BooksFull);
  expect(() => books.settle("d", "void")).toThrow(BooksFull);
  expect(books.stateOf("c")).toBeUndefined();
  expect(books.settle("a", "capture")).toBe("DONE");
  expect(books.authorise("b", PAYER, 1)).toBe("DECLINED");
  books.close();
});
