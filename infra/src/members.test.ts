/** Goal: nobody guesses which server is the primary. Method: files of a home, sound and damaged. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { pathsOf } from "./home.ts";
import { firstMembers, membersOf, readMembers, writeMembers } from "./members.ts";

const FIRST_MEMBERS = firstMembers([]);
let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "teranga-members-"));
});
afterEach(() => rm(home, { recursive: true }));

test("a new home has one replica, and a home keeps what it has", () => {
  expect(FIRST_MEMBERS.dakar).toEqual({ primary: "dakar", replicas: ["dakar-2"] });
  expect(readMembers(home, FIRST_MEMBERS)).toEqual(FIRST_MEMBERS);
  const promoted = { ...FIRST_MEMBERS, dakar: { primary: "dakar-2", replicas: ["dakar"] } };
  writeMembers(home, promoted);
  expect(readMembers(home, FIRST_MEMBERS)).toEqual(promoted);
});

const NODES = firstMembers(["dakar", "thies"]);
const SINGLE = { primary: "catalog", replicas: [] };

test("the first node goes on with the data of a catalog that had one database, and back", () => {
  writeMembers(home, FIRST_MEMBERS);
  const grown = { ...NODES, "catalog-dakar": SINGLE };
  const said: string[] = [];
  expect(readMembers(home, NODES, (line) => said.push(line))).toEqual(grown);
  writeMembers(home, grown);
  expect(readMembers(home, NODES, (line) => said.push(line))).toEqual(grown);
  expect(said).toEqual([
    "The catalog of this home had one database: dakar goes on with it, other nodes copy it",
  ]);
  expect(readMembers(home, firstMembers(["thies", "dakar", "autres"]))).toMatchObject({
    "catalog-dakar": SINGLE,
    "catalog-autres": { primary: "catalog-autres" },
  });
  expect(readMembers(home, FIRST_MEMBERS).catalog).toEqual(SINGLE);
  expect(() => readMembers(home, firstMembers(["autres"]))).toThrow(/at dakar, thies: name one of them$/);
});

test("a catalog is not left behind: not its nodes, and not its replicas", () => {
  writeMembers(home, NODES);
  for (const nodes of [["autres"], []])
    expect(() => readMembers(home, firstMembers(nodes))).toThrow(
      /^CATALOG_NODES: the catalog of this home is at dakar, thies: name one of them$/,
    );
  writeMembers(home, firstMembers(["thies"]));
  expect(readMembers(home, NODES)).toEqual(NODES);
});

test("nodes do not begin with a catalog that has replicas", () => {
  writeMembers(home, { ...FIRST_MEMBERS, catalog: { primary: "catalog-2", replicas: ["catalog"] } });
  expect(() => readMembers(home, NODES)).toThrow(/the catalog of this home has replicas \(catalog\), and/);
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
