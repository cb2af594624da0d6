import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeCursor, parsePage, toConnection } from "./connection.ts";

const refused = (field: string) => expect.objectContaining({ extensions: { code: "BAD_USER_INPUT", field } });

describe("a page", () => {
  test("has 20 rows when nothing is said", () => {
    expect(parsePage({}, "NAME_ASC", "text")).toMatchObject({ order: "NAME_ASC", first: 20, after: null });
  });

  test.each([0, -1, 101, 10_000_000])("of %i rows is refused", (first) => {
    expect(() => parsePage({ first }, "NAME_ASC", "text")).toThrowError(refused("first"));
  });

  test("begins where its cursor says", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), fc.string({ maxLength: 100 }), (key, id) => {
        fc.pre(!`${key}${id}`.includes("\0"));
        const after = encodeCursor("NAME_ASC", { key, id });
        expect(parsePage({ after }, "NAME_ASC", "text").after).toEqual({ key, id });
      }),
    );
  });

  test.each([
    ["nonsense", "nonsense"],
    ["a cursor of another ordering", encodeCursor("NAME_DESC", { key: "a", id: "b" })],
    ["a key of another type", encodeCursor("NAME_ASC", { key: 5, id: "b" })],
    ["a NUL", encodeCursor("NAME_ASC", { key: "a\0", id: "b" })],
    ["too long a cursor", encodeCursor("NAME_ASC", { key: "a".repeat(2_000), id: "b" })],
    ["JSON that is no cursor", Buffer.from("{}").toString("base64url")],
  ])("does not begin at %s", (_name, after) => {
    expect(() => parsePage({ after }, "NAME_ASC", "text")).toThrowError(refused("after"));
  });

  test("of times does not begin at a text that is no time", () => {
    const after = encodeCursor("PLACED_AT_ASC", { key: "yesterday'", id: "b" });
    expect(() => parsePage({ after }, "PLACED_AT_ASC", "time")).toThrowError(refused("after"));
  });

  test("does not break on any text at all", () => {
    fc.assert(
      fc.property(fc.string(), (after) => {
        expect(() => parsePage({ after }, "NAME_ASC", "text")).toThrowError(refused("after"));
      }),
    );
  });
});

test("the row beyond the page says that more follows, and is not shown", () => {
  const page = { order: "N", first: 2, after: null };
  const connection = toConnection(
    [1, 2, 3],
    page,
    (n) => ({ key: n, id: `${n}` }),
    (n) => n,
    async () => 9,
  );
  expect(connection.edges.map(({ node }) => node)).toEqual([1, 2]);
  expect(connection.pageInfo).toMatchObject({
    hasNextPage: true,
    hasPreviousPage: false,
    endCursor: connection.edges[1]!.cursor,
  });
  const last = toConnection(
    [1, 2],
    page,
    (n) => ({ key: n, id: `${n}` }),
    (n) => n,
    async () => 9,
  );
  expect(last.pageInfo.hasNextPage).toBe(false);
});
