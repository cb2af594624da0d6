/** Goal: a log's output never throws, and counts what it loses. Method: a disk of a few bytes. */
import { expect, test } from "vitest";
import { createLogger } from "./log.ts";
import { LossyOutput } from "./output.ts";

/** A file on a disk with this much room. */
class Disk {
  text = "";
  roomBytes: number;
  constructor(roomBytes: number) {
    this.roomBytes = roomBytes;
  }
  readonly write = (text: string): number => {
    if (this.roomBytes === 0) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    const bytes = Buffer.from(text).subarray(0, this.roomBytes);
    this.text += bytes.toString();
    this.roomBytes -= bytes.length;
    return bytes.length;
  };
}

function outputOn(disk: Disk): LossyOutput {
  return new LossyOutput((lostLines) => `(${lostLines} lost)\n`, disk.write);
}

test("lines that find no room are counted, and the count is said once there is room again", () => {
  const disk = new Disk(8);
  const output = outputOn(disk);
  for (const line of ["one\n", "two\n", "three\n", "four\n"]) output.write(line);
  expect(disk.text).toBe("one\ntwo\n");
  disk.roomBytes = 1_000;
  output.write("five\n");
  output.write("six\n");
  expect(disk.text).toBe("one\ntwo\nfive\n(2 lost)\nsix\n");
});

test("a line that was written in part is lost, and does not spoil the next", () => {
  const disk = new Disk(6);
  const output = outputOn(disk);
  output.write("first\n");
  disk.roomBytes = 2;
  output.write("second\n");
  output.write("third\n");
  disk.roomBytes = 1_000;
  output.write("fourth\n");
  expect(disk.text).toBe("first\nse\nfourth\n(2 lost)\n");
});

test("a count that finds no room is said later, and is still true", () => {
  const disk = new Disk(0);
  const output = outputOn(disk);
  output.write("one\n");
  disk.roomBytes = 4;
  output.write("two\n");
  expect(disk.text).toBe("two\n");
  disk.roomBytes = 1_000;
  output.write("three\n");
  expect(disk.text).toBe("two\nthree\n(1 lost)\n");
});

test("a logger goes on over it", () => {
  const disk = new Disk(0);
  const log = createLogger("city-dakar", "info", outputOn(disk));
  expect(() => log.fatal("nobody hears this")).not.toThrow();
  disk.roomBytes = 1_000;
  log.info("and this is heard");
  expect(disk.text).toMatch(/^\{.*"and this is heard"\}\n\(1 lost\)\n$/);
});
