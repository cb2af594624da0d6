/** Goal: every document within the limits is kept, and keeps no more than its weight. */
import { afterEach, expect, test, vi } from "vitest";
import { BoundedCache } from "../ground/bounded-cache.ts";
import { charactersMaxOf, DEFAULT_LIMITS } from "../ground/limits.ts";
import { createDocumentStore, createPersistedQueryCache } from "./document-store.ts";

afterEach(() => vi.restoreAllMocks());

const NO_LIST = {
  mode: "enforce" as const,
  bodyOf: () => undefined,
  has: () => false,
  operationNames: new Set<string>(),
};
const LIMITS = { tokensMax: 1_000 };
const LONGEST = charactersMaxOf(LIMITS);
const greatest = (name: string) => `{ ${`${name} `.repeat(LIMITS.tokensMax - 2)}}`.padEnd(LONGEST, "#");

test("documents are kept, and the tree of one is as good as that of its text", () => {
  const store = createDocumentStore(LIMITS);
  const document = store.keep("key", "query A { a # said\n b }");
  expect(store.find("key")).toBe(document);
  expect(store.find("other")).toBeUndefined();
  expect(document.tokenCount).toBe(6);
});

test("a document does not keep its text, its comments and its places", () => {
  const store = createDocumentStore(LIMITS);
  const { definitions, loc } = store.keep("key", `{ aFieldOfSomeLength } ${"# secret\n".repeat(1_000)}`);
  expect(loc).toBeUndefined();
  expect(JSON.stringify(definitions)).not.toMatch(/secret|"loc"/);
});

test.each([LIMITS, DEFAULT_LIMITS])(
  "the greatest document that %o admit is kept, and drives nothing out that is used more",
  (limits) => {
    const store = createDocumentStore(limits);
    store.keep("small", "{ a }");
    for (let use = 0; use < 3; use++) expect(store.find("small")).toBeDefined();
    const text = `{ ${"a ".repeat(limits.tokensMax - 2)}}`;
    for (let number = 0; number < 20; number++) {
      store.keep(`${number}`, text);
      expect(store.find(`${number}`)).toBeDefined();
    }
    const kept = Array.from({ length: 20 }, (_, number) => store.find(`${number}`)).filter(Boolean);
    expect(kept.length).toBeLessThan(20);
    expect(store.find("small")).toBeDefined();
  },
);

test("the longest text that is admitted is kept under its hash", async () => {
  const texts = createPersistedQueryCache(undefined, LIMITS);
  const key = `apq:${"0af9".repeat(16)}`;
  await texts.set(key, greatest("a"));
  expect(await texts.get(key)).toHaveLength(LONGEST);
});

test.each(["hash", "0AF9".repeat(16), "0af9".repeat(17), `${"0af9".repeat(16)}\n`, ""])(
  "what is no hash (%j) is not looked for; an id of the safelist may be anything",
  async (id) => {
    const looked = vi.spyOn(BoundedCache.prototype, "find");
    const texts = createPersistedQueryCache(undefined, LIMITS);
    expect(await texts.get(`apq:${id}`)).toBeUndefined();
    const listed = createPersistedQueryCache({ ...NO_LIST, bodyOf: (asked) => `{ ${asked} }` }, LIMITS);
    expect(await listed.get(`apq:${id}`)).toBe(`{ ${id} }`);
    expect(looked).not.toHaveBeenCalled();
  },
);
