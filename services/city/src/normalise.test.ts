/** The SQL function of the fragments' rule and the function of routing must agree on every name. */
import type { PGlite } from "@electric-sql/pglite";
import { normalise } from "@teranga/kit/topology/partition.ts";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { giveBack, takeCityPGlite } from "../test/city-pglite.ts";

let db: PGlite;
beforeAll(async () => {
  db = await takeCityPGlite("dakar");
});
afterAll(() => giveBack("dakar", db));

const inSql = async (names: string[]) =>
  (
    await db.query<{ normalised: string }>(
      "select normalise(name) as normalised from unnest($1::text[]) with ordinality as given (name, position) order by position",
      [names],
    )
  ).rows.map(({ normalised }) => normalised);

test("names of towns, as people write them", async () => {
  const names = ["Thiès", "THIÈS", "Saint Louis", "saint-louis", " Saint’Louis ", "Ndar – Île", "ẞΣς", "İ"];
  expect(await inSql(names)).toEqual(names.map(normalise));
  expect(names.slice(0, 5).map(normalise)).toEqual([
    "thies",
    "thies",
    "saint-louis",
    "saint-louis",
    "saint-louis",
  ]);
});

test("any text", async () => {
  const letter = fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 3 }),
    fc.constantFrom(" ", "-", "'", "’", "\t", "\u00a0", "é", "e\u0301", "Ç", "ï", "Σ", "ẞ"),
  );
  const name = fc.array(letter, { maxLength: 12 }).map((parts) => parts.join("").replaceAll("\0", ""));
  await fc.assert(
    fc.asyncProperty(fc.array(name, { maxLength: 50 }), async (names) => {
      expect(await inSql(names)).toEqual(names.map(normalise));
    }),
    { numRuns: 100 },
  );
});
