import { expect, test } from "vitest";
import { readConfirmation, readStreamed } from "./change-stream.ts";

const fieldsOf = (changes: string, { after = "4", position = "1.9" } = {}) => [
  ...["epoch", "e1", "after", after],
  ...["position", position, "changes", changes],
];

test("an entry of a stream tells its changes", () => {
  expect(readStreamed(fieldsOf('[["Product","7"],["Product",null]]'))).toEqual({
    epoch: "e1",
    after: 4,
    position: { timeline: 1, lsn: 9 },
    changes: [
      { type: "Product", key: "7" },
      { type: "Product", key: null },
    ],
  });
});

test.each([
  [[]],
  [["changes", "[]"]],
  [fieldsOf("[")],
  [fieldsOf("null")],
  [fieldsOf("7")],
  [fieldsOf('[{"type":"Product"}]')],
  [fieldsOf('[["Product"]]')],
  [fieldsOf('[[7,"7"]]')],
  [fieldsOf("[]", { after: "four" })],
  [fieldsOf("[]", { position: "9" })],
])("%j tells nothing: another version may have written it", (fields) => {
  expect(readStreamed(fields)).toBeUndefined();
});

test.each([null, "", "7", "m 4", "m 4 1.9", "m four 1.9 3", "m 4 9 3", "m 4 1.9 old"])(
  "the confirmation %j confirms nothing",
  (value) => expect(readConfirmation(value)).toBeUndefined(),
);

test("a confirmation says how far changes were told", () => {
  const position = { timeline: 1, lsn: 9 };
  expect(readConfirmation("m 4 1.9 3")).toEqual({ mark: "m", number: 4, position, ageMs: 3 });
});
