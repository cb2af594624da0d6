import { expect, test } from "vitest";
import { Turns } from "./turns.ts";

test("pieces of work are done in their order, and others have their turn between them", async () => {
  const turns = new Turns();
  const done: string[] = [];
  const say = (what: string) => () => void done.push(what);
  const work = ["first", "second", "third"].map((name) => turns.next(say(name)));
  const others = (async () => {
    for (const name of ["a", "b"]) {
      await new Promise((resolve) => setImmediate(resolve));
      done.push(name);
    }
  })();
  await Promise.all([...work, others]);
  expect(done).not.toEqual(["first", "second", "third", "a", "b"]);
  expect(done.filter((each) => each.length > 1)).toEqual(["first", "second", "third"]);
});

test("work that fails is told so, and what comes after it is done", async () => {
  const turns = new Turns();
  const failing = turns.next(() => {
    throw new Error("refused");
  });
  const after = turns.next(() => "done");
  await expect(failing).rejects.toThrow("refused");
  expect(await after).toBe("done");
});
