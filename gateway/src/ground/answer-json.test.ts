/** Goal: great answers have the same JSON as small ones, and other work has its turn between the pieces. */
import { expect, test } from "vitest";
import { answerJson, noteGreat } from "./answer-json.ts";
import { AnswerRoom } from "./answer-room.ts";

const VALUES = [null, true, 1.5, "", 'a "b" \u2028 \ud83d\udc04 \ud800', [], {}, [[]], { "": 0, "2": 1 }];
const row = (index: number) => ({ index, skipped: undefined, values: VALUES, [`n${index}`]: [undefined] });

function great(data: object) {
  const room = new AnswerRoom({});
  const holding = room.begin();
  void holding.read(1_000_000);
  noteGreat(data, holding);
  return room;
}

test("a great answer reads as if it had been made at once, and its room is free then", async () => {
  const wide = Object.fromEntries(Array.from({ length: 5_000 }, (_, at) => [`f${at}`, at]));
  const data = { wide, __proto__: null, rows: Array.from({ length: 3_000 }, (_, at) => row(at)), none: null };
  const answer = { errors: undefined, data, extensions: { a: [1] } };
  const room = great(data);
  const making = answerJson(answer);
  expect(making).toBeInstanceOf(Promise);
  expect(room.bytes).toBe(1_000_000);
  const text = await making;
  expect(text === `${JSON.stringify(answer)}\n`).toBe(true);
  expect(room.bytes).toBe(0);
});

test("any other is made at once", () => {
  const data = { rows: [row(1)] };
  expect(answerJson({ data })).toBe(`${JSON.stringify({ data })}\n`);
});
