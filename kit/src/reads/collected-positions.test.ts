/** A service without a database tells the positions of all places that answered its request, or none. */
import { HeaderMap } from "@apollo/server";
import { expect, test } from "vitest";
import {
  askForPositions,
  collect,
  collectAll,
  collectedReads,
  collectFor,
  currentCollected,
} from "./collected-positions.ts";

/** The `x-positions` of a request that does this. */
async function told(work: () => unknown): Promise<string | undefined> {
  const run = async () => {
    await work();
    return { headers: new HeaderMap(), body: { kind: "complete" as const, string: "" } };
  };
  return (await collectedReads.serve("primary", run)).headers.get("x-positions");
}

test("the positions of all answers are told, the latest of each place", async () => {
  const positions = await told(async () => {
    collect("city/dakar=1.5-1.9");
    await Promise.resolve();
    collect("city/dakar=1.7-1.8,city/thies=2.3-2.3");
  });
  expect(positions).toBe("city/dakar=1.5-1.9,city/thies=2.3-2.3");
});

test("a request that meets no place says so; one that misses an answer says nothing", async () => {
  expect(await told(() => {})).toBe("");
  expect(
    await told(() => {
      collect("city/dakar=1.5-1.9");
      collect(undefined);
    }),
  ).toBeUndefined();
  const many = Array.from({ length: 400 }, (_, index) => `city/c${index}=1.1000000-1.2000000`);
  expect(await told(() => collect(many.join(",")))).toBeUndefined();
});

test("questions ask for positions only if the request does", async () => {
  expect(askForPositions()).toEqual({});
  await told(() => expect(askForPositions()).toEqual({ "x-read-after": "primary" }));
});

test("what several requests ask together, each of them tells; whoever joins a call tells what it met", async () => {
  const first = await told(async () => {
    const mine = currentCollected();
    const second = await told(() => {
      collectFor([...mine, ...currentCollected()], () => collect("catalog=1.1-1.2"));
    });
    expect(second).toBe("catalog=1.1-1.2");
    const joined = await told(() => collectAll(currentCollected()[0]!, mine[0]!));
    expect(joined).toBe("catalog=1.1-1.2");
  });
  expect(first).toBe("catalog=1.1-1.2");
});
