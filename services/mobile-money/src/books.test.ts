/** Subscribers' money and payments survive the end of the company's process, and take bounded room. */
import fs, { appendFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Books, BooksFull, type Disk, NotRecorded } from "./books.ts";

const PAYER = "+221771234567";

let directory: string;
let journal: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "teranga-books-"));
  journal = join(directory, "journal");
});
afterEach(() => rm(directory, { recursive: true }));

const openBooks = (paymentsMax = 10, disk: Disk = fs) =>
  new Books({ journal, openingBalance: 1_000, paymentsMax, disk });

/** The disk takes so many bytes of each write, then none. */
const full: Disk["writeSync"] = (file, bytes, offset, length) => {
  if (length < 10) throw new Error("ENOSPC: no space left on device");
  return fs.writeSync(file, bytes, offset, length >> 1);
};

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

test("a line that the disk takes in pieces is written whole", () => {
  const writeSync: Disk["writeSync"] = (file, bytes, offset, length) =>
    fs.writeSync(file, bytes, offset, Math.min(length, 7));
  const books = openBooks(10, { ...fs, writeSync });
  expect(books.authorise("a", PAYER, 400)).toBe("AUTHORISED");
  expect(books.settle("a", "capture")).toBe("DONE");
  books.close();
  const again = openBooks();
  expect(again.moneyOf(PAYER)).toEqual({ free: 600, held: 0, taken: 400 });
  again.close();
});

test.each(["write", "flush"])("a message whose %s fails is refused, and leaves no trace", async (step) => {
  const disk: Disk = { ...fs };
  const books = openBooks(10, disk);
  expect(books.authorise("a", PAYER, 400)).toBe("AUTHORISED");
  const whole = await readFile(journal, "utf8");
  if (step === "write") disk.writeSync = full;
  else {
    disk.fsyncSync = () => {
      disk.fsyncSync = fs.fsyncSync;
      throw new Error("EIO: i/o error");
    };
  }
  expect(() => books.authorise("b", PAYER, 100)).toThrow(NotRecorded);
  expect(await readFile(journal, "utf8")).toBe(whole);
  expect(books.stateOf("b")).toBeUndefined();
  disk.writeSync = fs.writeSync;
  expect(books.settle("b", "void")).toBe("DONE");
  expect(books.settle("a", "capture")).toBe("DONE");
  books.close();
  const again = openBooks();
  expect([again.stateOf("a"), again.stateOf("b")]).toEqual(["CAPTURED", "VOIDED"]);
  again.close();
});

test("books whose journal cannot be mended refuse everything until a restart", () => {
  const disk: Disk = { ...fs };
  const books = openBooks(10, disk);
  expect(books.authorise("a", PAYER, 400)).toBe("AUTHORISED");
  disk.writeSync = full;
  disk.ftruncateSync = () => {
    throw new Error("EIO: i/o error");
  };
  expect(() => books.settle("a", "capture")).toThrow(NotRecorded);
  Object.assign(disk, fs);
  expect(() => books.settle("a", "capture")).toThrow(NotRecorded);
  expect(() => books.authorise("a", PAYER, 400)).toThrow(NotRecorded);
  books.close();
  const again = openBooks();
  expect(again.stateOf("a")).toBe("AUTHORISED");
  expect(again.settle("a", "capture")).toBe("DONE");
  again.close();
});
