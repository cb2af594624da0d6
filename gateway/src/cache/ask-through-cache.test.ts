/**
 * Goal: a fetch is answered from what is kept as the service would answer it, and the service is asked no
 * more than is needed. Method: a service in this process over versioned products, virtual time.
 */
import { expect, test } from "vitest";
import { at, createCachedShop, namesOf, seen, settle, TEXT } from "../fixture/cached-shop.ts";
import type { JsonObject } from "../ground/answer.ts";
import { UNCERTAIN } from "../session/read-after.ts";

test("only the entities that are missing are asked for, and the answers stand in the order of the request", async () => {
  const { counted, service, names } = createCachedShop();
  await names(["1", "2"]);
  service.lsn = 11;
  expect(await names(["3", "1", "4", "2", "3"])).toEqual([
    "3 at 11",
    "1 at 10",
    "4 at 11",
    "2 at 10",
    "3 at 11",
  ]);
  expect(service.asked).toEqual([
    ["1", "2"],
    ["3", "4"],
  ]);
  expect(counted).toMatchObject({ hits: 2, misses: 4 });
});

test("each reader owns what it gets", async () => {
  const { read, names } = createCachedShop();
  for (let round = 0; round < 2; round++) {
    const answer = await read(["1", "1"]);
    for (const entity of (answer as { data: JsonObject }).data._entities as JsonObject[]) {
      entity.name = `${entity.name}, changed`;
    }
    expect(namesOf(answer)).toEqual(["1 at 10, changed", "1 at 10, changed"]);
  }
  expect(await names(["1"])).toEqual(["1 at 10"]);
});

test("errors stand at the indexes of the request, and what has errors is not kept", async () => {
  const { service, read, names } = createCachedShop();
  await names(["1"]);
  service.broken.add("3");
  const answer = await read(["2", "1", "3"]);
  expect(answer).toMatchObject({ errors: [{ message: "no 3", path: ["_entities", 2, "name"] }] });
  expect(namesOf(answer)).toEqual(["2 at 10", "1 at 10", "3 at 10"]);
  service.broken.clear();
  await names(["2", "1", "3"]);
  expect(service.asked.at(-1)).toEqual(["2", "3"]);
});

test("of a service that does not answer, what is kept is answered, and the rest is an error", async () => {
  const { service, read } = createCachedShop();
  await read(["1"]);
  service.isAway = true;
  const answer = await read(["2", "1"]);
  expect(namesOf(answer)).toEqual([null, "1 at 10"]);
  expect(answer).toMatchObject({ errors: [{ message: "away", path: ["_entities", 0] }] });
  expect((await read(["2"])).kind).toBe("failed");
});

test("a client gets nothing older than what it has seen, and has then seen what it got", async () => {
  const { service, saw, names } = createCachedShop();
  await names(["1"]);
  expect([await names(["1"], { after: seen(10) }), saw]).toEqual([["1 at 10"], [12]]);
  service.lsn = 12;
  expect(await names(["1"], { after: seen(12) })).toEqual(["1 at 12"]);
  expect(await names(["1"], { after: UNCERTAIN })).toEqual(["1 at 12"]);
  expect(service.asked).toHaveLength(3);
});

test("an answer without positions is kept for clients that have seen nothing of the place", async () => {
  const { service, saw, names } = createCachedShop();
  service.tellsPositions = false;
  await names(["1"]);
  await names(["1"]);
  await names(["1"], { after: seen(1) });
  expect([service.asked.length, saw]).toEqual([2, [undefined]]);
});

test.each([undefined, "no-store", "max-age=60, private", "max-age=0, public", "public", "max-age=60"])(
  "an answer with cache-control %j is not kept",
  async (cacheControl) => {
    const { service, counted, names } = createCachedShop();
    service.cacheControl = cacheControl;
    for (let round = 0; round < 3; round++) await names(["1"]);
    expect(service.asked).toHaveLength(3);
    // After the first answer it is known that a look is in vain.
    expect(counted).toMatchObject({ misses: 1, filled: [] });
  },
);

test("what clients' headers or other variables may change is kept apart", async () => {
  const { service, names } = createCachedShop();
  await names(["1"], { headers: { "accept-language": "fr" } });
  await names(["1"], { headers: { "accept-language": "en" } });
  await names(["1"], { text: TEXT.replace("name", "price") });
  await names(["1"], { headers: { "accept-language": "fr" } });
  expect(service.asked).toHaveLength(3);
});

test("what does not exist is kept for five seconds", async () => {
  const { clock, service, names } = createCachedShop();
  expect(await names(["none"])).toEqual([null]);
  clock.ms = 3_999;
  expect(await names(["none"])).toEqual([null]);
  clock.ms = 5_000;
  await names(["none"]);
  expect(service.asked).toHaveLength(2);
});

test("a thousand readers of an entry that has ended are one request", async () => {
  const { clock, service, names } = createCachedShop();
  await names(["1"]);
  clock.ms = 60_000;
  const { promise, resolve } = Promise.withResolvers<void>();
  service.held = promise;
  const readers = Array.from({ length: 1_000 }, () => names(["1"]));
  await settle();
  resolve();
  expect(new Set((await Promise.all(readers)).flat())).toEqual(new Set(["1 at 10"]));
  expect(service.asked).toHaveLength(2);
});

test("a reader that has seen more than what is being fetched asks by itself", async () => {
  const { clock, service, names } = createCachedShop();
  await names(["1"]);
  clock.ms = 60_000;
  const { promise, resolve } = Promise.withResolvers<void>();
  service.held = promise;
  const first = names(["1"], { after: seen(11) });
  const same = names(["1"], { after: seen(11) });
  const more = names(["1"], { after: seen(12) });
  service.lsn = 12;
  resolve();
  await Promise.all([first, same]);
  expect(await more).toEqual(["1 at 12"]);
  expect(service.after.slice(1)).toEqual(["catalog=1.11", "catalog=1.12"]);
});

test("a reader waits for another's fetch no longer than it has time", async () => {
  const { clock, timers, service, names } = createCachedShop();
  await names(["1"]);
  clock.ms = 60_000;
  const { promise, resolve } = Promise.withResolvers<void>();
  service.held = promise;
  const first = names(["1"]);
  service.held = undefined;
  const second = names(["1"]);
  for (const run of timers) run();
  expect(await second).toEqual(["1 at 10"]);
  resolve();
  await first;
});

test("a fetch that a change has overtaken is not kept, and the next one asks for the change", async () => {
  const { cache, counted, service, names } = createCachedShop();
  const { promise, resolve } = Promise.withResolvers<void>();
  service.held = promise;
  const overtaken = names(["1"]);
  cache.invalidate("catalog", ["Product:1", "Product"], at(15));
  resolve();
  expect(await overtaken).toEqual(["1 at 10"]);
  expect(counted.filled).toEqual(["stale"]);
  service.lsn = 15;
  expect(await names(["1"])).toEqual(["1 at 15"]);
  expect(service.after).toEqual(["", "catalog=1.15"]);
});

test("what is used and about to end is fetched once, while readers get what is kept", async () => {
  const { clock, cache, counted, service, names } = createCachedShop();
  await names(["1"]);
  service.lsn = 14;
  clock.ms = 47_999;
  await names(["1"]);
  expect(counted.refreshes).toBe(0);
  clock.ms = 48_000;
  const { promise, resolve } = Promise.withResolvers<void>();
  service.held = promise;
  expect(await Promise.all([names(["1"]), names(["1"])])).toEqual([["1 at 10"], ["1 at 10"]]);
  resolve();
  await cache.close();
  expect([counted.refreshes, service.asked.length, service.after[1]]).toEqual([1, 2, "catalog=1.10"]);
  expect(await names(["1"])).toEqual(["1 at 14"]);
  clock.ms = 60_001;
  await names(["1"]);
  expect(service.asked).toHaveLength(2);
});

test("a refresh that fails takes nothing from readers", async () => {
  const { clock, cache, service, names } = createCachedShop();
  await names(["1"]);
  clock.ms = 50_000;
  service.isAway = true;
  expect(await names(["1"])).toEqual(["1 at 10"]);
  await cache.close();
  expect(await names(["1"])).toEqual(["1 at 10"]);
});

test("after a write through this gateway nothing is used that was read before", async () => {
  const { cache, service, names } = createCachedShop();
  await names(["1"]);
  cache.wrote("catalog");
  await names(["1"]);
  await names(["1"]);
  expect(service.asked).toHaveLength(2);
});

test("while changes of the place are not heard of, nothing is used", async () => {
  const heard = { mayServe: false, followed: 0 };
  const changes = { mayServe: () => heard.mayServe, follow: () => heard.followed++ };
  const { service, names } = createCachedShop({ changes });
  await names(["1"]);
  await names(["1"]);
  expect([service.asked.length, heard.followed]).toEqual([2, 2]);
  heard.mayServe = true;
  expect(await names(["1"])).toEqual(["1 at 10"]);
  expect(service.asked).toHaveLength(2);
});

// A gateway that is busy for a second hears of no changes meanwhile: each of its last readers asked.
test("while changes of the place are not heard of, a thousand readers are one request", async () => {
  const changes = { mayServe: () => false, follow: () => {} };
  const { service, names } = createCachedShop({ changes });
  await names(["1"]);
  service.lsn = 14;
  const { promise, resolve } = Promise.withResolvers<void>();
  service.held = promise;
  const readers = Array.from({ length: 1_000 }, () => names(["1"]));
  await settle();
  resolve();
  expect(new Set((await Promise.all(readers)).flat())).toEqual(new Set(["1 at 14"]));
  expect(service.asked).toHaveLength(2);
});

test("a lease to refresh what another gateway has kept is given back, and the next reader refreshes it", async () => {
  const shared: string[] = [];
  const entry = { json: '{"name":"1 at 9"}', range: { includes: at(9), upTo: at(9) }, tags: [] };
  const { counted, service, names } = createCachedShop({
    shared: {
      look: async () => [{ kind: "found", entry: { ...entry, refreshAtMs: 0, endsAtMs: 60_000 } }],
      put: async () => void shared.push("put"),
      release: async (_, keys) => void shared.push(`release ${keys.length}`),
      invalidate: async () => {},
      dropPlace: async () => {},
    },
  });
  // What was answered once is known to be worth a look.
  await names(["2"]);
  shared.length = 0;
  expect([await names(["1"]), shared, counted.refreshes]).toEqual([["1 at 9"], ["release 1"], 0]);
  await names(["1"]);
  await settle();
  expect([service.asked.at(-1), shared, counted.refreshes]).toEqual([["1"], ["release 1", "put"], 1]);
});
