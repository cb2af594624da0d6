/** Goal: what the memory tier gives is never older than what was heard, seen or kept before. */
import { expect, test } from "vitest";
import { heapGrownBytes } from "../fixture/heap.ts";
import { MemoryTier } from "./memory-tier.ts";
import { PlaceHistory } from "./place-history.ts";
import type { CacheEntry } from "./tier.ts";

const at = (lsn: number, timeline = 1) => ({ timeline, lsn });

function createTier({ bytesMax = 1_000_000, tagsMax = 1_000 } = {}) {
  const clock = { ms: 0 };
  const evicted = { count: 0 };
  const history = new PlaceHistory(tagsMax);
  const tier = new MemoryTier({
    history,
    bytesMax,
    nowMs: () => clock.ms,
    onEvicted: () => evicted.count++,
  });
  const entry = (json: string, includes?: number, upTo = includes, more: Partial<CacheEntry> = {}) => ({
    json,
    range: includes === undefined ? undefined : { includes: at(includes), upTo: at(upTo!) },
    tags: ["Product:7"],
    refreshAtMs: 48,
    endsAtMs: 60,
    ...more,
  });
  const put = (filled: CacheEntry, { key = "k", begun = history.begin() } = {}) =>
    tier.put("catalog", { key, entry: filled }, begun);
  const get = (after?: number, key = "k") =>
    tier.get("catalog", key, after === undefined ? undefined : at(after))?.json;
  return { clock, evicted, history, tier, entry, put, get };
}

test("an entry serves callers that have seen no more than it includes, until it ends", () => {
  const { clock, entry, put, get } = createTier();
  expect(put(entry("7", 9, 12))).toBe("kept");
  expect([get(), get(9), get(10), get(12)]).toEqual(["7", "7", undefined, undefined]);
  clock.ms = 59;
  expect(get()).toBe("7");
  clock.ms = 60;
  expect(get()).toBeUndefined();
});

test("an entry without positions serves callers without a position only", () => {
  const { entry, put, get } = createTier();
  put(entry("7"));
  expect([get(), get(1)]).toEqual(["7", undefined]);
});

test.each([0, 1, 2, 4])("%i tags: what entries take is not more than what is counted", async (tagCount) => {
  const { history, tier } = createTier({ bytesMax: 100_000_000 });
  const takenBytes = await heapGrownBytes(() => {
    for (let id = 0; id < 5_000; id++) {
      const range = { includes: { timeline: 1, lsn: 1e10 + id }, upTo: { timeline: 1, lsn: 1e10 + id + 8 } };
      const tags = [`Product:${id}`, "Product", "Category", "Page"].slice(0, tagCount);
      const times = { refreshAtMs: 48.5 + id, endsAtMs: 60.5 + id };
      const entry = { json: JSON.stringify({ name: `Product ${id}` }), range, tags, ...times };
      tier.put("catalog", { key: `${"k".repeat(43)} ${id}`, entry }, history.begin());
    }
  });
  expect(takenBytes).toBeLessThan(tier.bytes);
});

test("positions are compared as numbers", () => {
  const { history, entry, put, get } = createTier();
  put(entry("7", 10));
  expect([get(9), get(10), get(100)]).toEqual(["7", "7", undefined]);
  history.invalidate("catalog", ["Product:7"], at(9));
  expect(get()).toBe("7");
});

test("a change drops what is older and has its tag, and what has no tags", () => {
  const { history, entry, put, get } = createTier();
  put(entry("7", 5));
  put(entry("8", 5, 5, { tags: ["Product:8"] }), { key: "8" });
  put(entry("list", 5, 5, { tags: ["Product"] }), { key: "list" });
  put(entry("any", 5, 5, { tags: [] }), { key: "any" });
  put(entry("new", 6, 6), { key: "new" });
  history.invalidate("catalog", ["Product:7", "Product"], at(6));
  expect([get(), get(0, "8"), get(0, "list"), get(0, "any"), get(0, "new")]).toEqual([
    undefined,
    "8",
    undefined,
    undefined,
    "new",
  ]);
});

test("a fill that may lack a change that is known is refused", () => {
  const { history, entry, put, get } = createTier();
  history.invalidate("catalog", ["Product:7"], at(6));
  expect(put(entry("old", 5, 9))).toBe("stale");
  expect(get()).toBeUndefined();
  expect(history.neededFor("catalog", ["Product:7"])).toEqual(at(6));
  expect(history.neededFor("catalog", ["Product:8"])).toEqual(at(0));
  expect(put(entry("new", 6, 9))).toBe("kept");
});

test("a fill without positions is refused if it began before the change", () => {
  const { history, entry, put, get } = createTier();
  const begun = history.begin();
  history.invalidate("catalog", ["Product:7"], at(6));
  expect(put(entry("old"), { begun })).toBe("stale");
  expect(put(entry("new"))).toBe("kept");
  expect(get()).toBe("new");
});

test("a fill never replaces something newer", () => {
  const { clock, history, entry, put, get } = createTier();
  const early = history.begin();
  put(entry("newer", 9, 12));
  expect([put(entry("older", 8, 30)), put(entry("older", 9, 11)), put(entry("unknown"))]).toEqual([
    "older",
    "older",
    "older",
  ]);
  expect(get()).toBe("newer");
  clock.ms = 60;
  expect(put(entry("older", 8, 30, { endsAtMs: 99 }))).toBe("older");
  expect(put(entry("unknown", undefined, undefined, { endsAtMs: 99 }))).toBe("kept");
  expect(put(entry("earlier", undefined, undefined, { endsAtMs: 99 }), { begun: early })).toBe("older");
});

test("a promotion drops what is of the timeline before", () => {
  const { history, entry, put, get } = createTier();
  put(entry("lost", 900));
  history.confirm("catalog", at(880, 2));
  expect(get()).toBeUndefined();
  expect(put(entry("lost", 901))).toBe("stale");
  const range = { includes: at(880, 2), upTo: at(880, 2) };
  expect(put({ ...entry("new"), range })).toBe("kept");
});

test("what was not invalidated serves callers that have seen what is confirmed", () => {
  const { history, entry, put, get } = createTier();
  put(entry("7", 5, 9));
  put(entry("8", 5, 9, { tags: ["Product:8"] }), { key: "8" });
  history.invalidate("catalog", ["Product:8"], at(11));
  history.confirm("catalog", at(12));
  expect([get(12), get(13), get(12, "8")]).toEqual(["7", undefined, undefined]);
});

test("after a gap in the changes nothing is used that may lack one", () => {
  const { history, entry, put, get } = createTier();
  put(entry("7", 5));
  history.confirm("catalog", at(12));
  history.dropPlace("catalog", at(20));
  expect(get()).toBeUndefined();
  expect([put(entry("old", 19)), put(entry("new", 20))]).toEqual(["stale", "kept"]);
  expect([get(20), get(21)]).toEqual(["new", undefined]);
});

test("a forgotten tag refuses what is older than it for the whole place", () => {
  const { history, entry, put } = createTier({ tagsMax: 2 });
  for (const [index, tag] of ["Product:7", "Product:8", "Product:9"].entries()) {
    history.invalidate("catalog", [tag], at(10 + index));
  }
  expect([put(entry("old", 9)), put(entry("new", 10))]).toEqual(["stale", "kept"]);
  expect(put(entry("other", 9, 9, { tags: ["Product:1"] }))).toBe("stale");
});

test("the entries take no more bytes than they may, and what leaves is counted", () => {
  const { tier, evicted, entry, put } = createTier({ bytesMax: 40_000 });
  for (let index = 0; index < 1_000; index++) {
    put(entry("x".repeat(100), 1), { key: `key ${index}` });
    expect(tier.bytes).toBeLessThanOrEqual(40_000);
  }
  expect(evicted.count).toBeGreaterThan(900);
  expect(put(entry("x".repeat(10_000), 1), { key: "large" })).toBe("too-large");
});
