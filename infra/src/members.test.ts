/** Goal: nobody guesses which server is the primary. Method: files of a home, sound and damaged. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { pathsOf } from "./home.ts";
import { FIRST_MEMBERS, firstMembers, membersOf, readMembers, writeMembers } from "./members.ts";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "teranga-members-"));
});
afterEach(() => rm(home, { recursive: true }));

test("a new home has one replica, and a home keeps what it has", () => {
  expect(readMembers(home, FIRST_MEMBERS)).toEqual(firstMembers({ dakar: ["dakar-2"] }));
  const promoted = { ...FIRST_MEMBERS, dakar: { primary: "dakar-2", replicas: ["dakar"] } };
  writeMembers(home, promoted);
  expect(readMembers(home, FIRST_MEMBERS)).toEqual(promoted);
});

test.each(["", "{", '{"dakar":{"primary":"dakar"}}'])("a damaged file is refused: %j", async (text) => {
  await writeFile(pathsOf(home).databases, text);
  expect(() => readMembers(home, FIRST_MEMBERS)).toThrow(
    /databases\.json cannot be read: write into it which/,
  );
});

test("the order of the servers is the same before and after a promotion", () => {
  const names = ["dakar", "dakar-2", "dakar-10"];
  expect(membersOf({ primary: "dakar", replicas: ["dakar-10", "dakar-2"] })).toEqual(names);
  expect(membersOf({ primary: "dakar-10", replicas: ["dakar", "dakar-2"] })).toEqual(names);
});
