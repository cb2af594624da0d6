import fc from "fast-check";
import { expect, test } from "vitest";
import { createPartitionOf, normalise } from "./partition.ts";

const partitionOf = createPartitionOf("city", [
  { id: "dakar", claims: ["Dakar", "Guédiawaye"], isDefault: false },
  { id: "saint-louis", claims: ["Saint-Louis"], isDefault: false },
  { id: "autres", claims: [], isDefault: true },
]);

test.each([
  ["dakar:1", "dakar"],
  ["saint-louis:019a:x", "saint-louis"],
  ["dakar", "dakar"],
  ["GUEDIAWAYE", "dakar"],
  ["guédiawaye ", "dakar"],
  ["Saint Louis", "saint-louis"],
  ["Saint’Louis", "saint-louis"],
  ["Ziguinchor", "autres"],
  ["", "autres"],
  ["x".repeat(100_000), "autres"],
])("%j belongs to %s", (value, owner) => {
  expect(partitionOf(value)).toBe(owner);
});

test("an id of a partition that does not exist is an error that names it", () => {
  expect(() => partitionOf("atlantis:1")).toThrowError(
    expect.objectContaining({ extensions: { code: "UNKNOWN_CITY", city: "atlantis" } }),
  );
  expect(() => partitionOf("Dakar:1")).toThrowError(
    expect.objectContaining({ extensions: expect.anything() }),
  );
});

test.each(["casamance", "Ziguinchor", "Saint Louis", "GUEDIAWAYE", ""])(
  "%j as an id is that of no partition, whoever owns the name",
  (value) => {
    expect(() => partitionOf(value, "id")).toThrowError(
      expect.objectContaining({ extensions: { code: "UNKNOWN_CITY", city: value } }),
    );
  },
);

test("an id of a partition, or of something in it, belongs to it", () => {
  expect([partitionOf("dakar", "id"), partitionOf("autres:24", "id")]).toEqual(["dakar", "autres"]);
});

test("every name has exactly one owner, and spelling does not change it", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme" }).filter((name) => !name.includes(":")),
      (name) => {
        const owner = partitionOf(name);
        expect(["dakar", "saint-louis", "autres"]).toContain(owner);
        expect(partitionOf(normalise(name))).toBe(owner);
      },
    ),
  );
});
