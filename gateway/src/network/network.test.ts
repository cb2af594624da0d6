/**
 * Goal: requests go where they can be answered, a mutation is never sent twice, dead endpoints cost nothing,
 * and endpoints that are back are found. Method: endpoints that behave as the test says, in virtual time.
 */
import { expect, test } from "vitest";
import type { Behaviour } from "../../../kit/test/endpoint-world.ts";
import { NetworkWorld } from "../fixture/network-world.ts";

const URLS = ["http://a", "http://b", "http://c"];

function world(behaviours: Record<string, Behaviour> = {}) {
  const made = new NetworkWorld();
  for (const [name, behaviour] of Object.entries(behaviours))
    made.behaviours.set(`http://${name}`, behaviour);
  return Object.assign(made, { tried: () => made.sent.map(({ url }) => url.at(-1)).join("") });
}

test("the nearest is asked, and nobody else; it is told what is left", async () => {
  const it = world();
  const { ask } = it.replicas(URLS);
  const asked = ask("{ x }", { leftMs: 700, headers: { "x-request-id": "r" } });
  await it.time.pass(10);
  expect(await asked).toEqual({ data: { url: "http://a", number: 1 }, shared: false });
  expect(it.sent).toEqual([
    // Half of the time: there are other instances.
    { url: "http://a", query: "{ x }", headers: { "x-request-id": "r" }, deadlineMs: 350 },
  ]);
});

test("a query goes on to the next instance whatever happened", async () => {
  const it = world({ a: "cuts", b: "refuses" });
  const { ask } = it.replicas(URLS);
  const asked = ask();
  await it.time.pass(10);
  expect((await asked).data).toEqual({ url: "http://c", number: 1 });
  expect(it.tried()).toBe("abc");
  expect(it.fetched).toMatchObject([{ subgraph: "s", outcome: "answered", attempts: 3, shared: false }]);
});

test("a query that fails fast at the only instance goes there once more, and no more", async () => {
  const it = world({ a: "cuts" });
  const { ask } = it.replicas(["http://a"]);
  const asked = ask();
  await it.time.pass(10);
  await expect(asked).rejects.toMatchObject({ effect: "unknown" });
  expect(it.tried()).toBe("aa");
});

test("a query that fails late is not sent to the same instance again", async () => {
  const it = world({ a: "hangs" });
  const { ask } = it.replicas(["http://a"]);
  const asked = ask("{ x }", { leftMs: 400 });
  await it.time.pass(400);
  await expect(asked).rejects.toMatchObject({ effect: "unknown" });
  expect(it.tried()).toBe("a");
});

test("a mutation goes on only if it has certainly not been acted on", async () => {
  const refused = world({ a: "refuses" });
  const asked = refused.replicas(URLS).ask("mutation { x }", { mayRepeat: false });
  await refused.time.pass(10);
  expect((await asked).data).toMatchObject({ url: "http://b" });
  expect(refused.tried()).toBe("ab");

  for (const behaviour of ["cuts", "hangs", "fails"] as const) {
    const unknown = world({ a: behaviour });
    const failed = unknown.replicas(URLS).ask("mutation { x }", { mayRepeat: false, leftMs: 1_000 });
    await unknown.time.pass(1_000);
    await expect(failed).rejects.toMatchObject({ effect: "unknown" });
    expect(unknown.tried()).toBe("a");
    expect(unknown.sent[0]!.deadlineMs).toBe(1_000);
  }
});

test.each(["refuses", "denies"] as const)(
  "a mutation is not sent twice to one that %s",
  async (behaviour) => {
    const it = world({ a: behaviour });
    const asked = it.replicas(["http://a"]).ask("mutation { x }", { mayRepeat: false });
    await expect(asked).rejects.toMatchObject({ effect: "refused" });
    expect(it.tried()).toBe("a");
  },
);

test("all tries together keep to the deadline", async () => {
  const it = world({ a: "hangs", b: "hangs", c: "hangs" });
  const asked = it.replicas(URLS).ask("{ x }", { leftMs: 1_000 });
  let endedAtMs = 0;
  void asked.catch(() => {
    endedAtMs = it.time.nowMs;
  });
  await it.time.pass(5_000);
  expect(endedAtMs).toBe(1_000);
  expect(it.sent.map(({ deadlineMs }) => deadlineMs)).toEqual([500, 250, 250]);
});

test("nothing is sent when no time is left", async () => {
  const it = world();
  const { ask } = it.replicas(URLS);
  await expect(ask("{ x }", { leftMs: 0 })).rejects.toMatchObject({ effect: "refused" });
  expect(it.sent).toEqual([]);
  expect(it.fetched).toMatchObject([{ outcome: "refused", attempts: 0 }]);
});

test("one that nobody can connect to is not asked again until a probe is answered", async () => {
  const it = world({ a: "refuses" });
  const { ask, networks } = it.replicas(["http://a"]);
  await expect(ask()).rejects.toMatchObject({ effect: "refused" });
  for (let time = 0; time < 10; time++) await expect(ask()).rejects.toMatchObject({ effect: "refused" });
  expect(it.tried()).toBe("a");
  expect(it.fetched.at(-1)).toMatchObject({ outcome: "broken-circuit", attempts: 0, durationMs: 0 });
  expect(networks.circuits()).toEqual([{ subgraph: "s", url: "http://a", state: "open" }]);

  await it.time.pass(20_000);
  expect(it.probes.length).toBeGreaterThan(6);
  expect(it.probes.length).toBeLessThan(13);
  it.behaviours.set("http://a", 1);
  await it.time.pass(5_000);
  expect(networks.circuits()).toMatchObject([{ state: "closed" }]);
  const probes = it.probes.length;
  const asked = ask();
  await it.time.pass(5_000);
  expect((await asked).data).toMatchObject({ url: "http://a" });
  // Probes are sent only while the circuit is open.
  expect(it.probes).toHaveLength(probes);
  expect(it.time.waiting).toBe(0);
  expect(it.changes.slice(0, 2)).toEqual(["http://a open", "http://a half-open"]);
  expect(it.changes.at(-1)).toBe("http://a closed");
});

test("one that hangs costs those who meet it their deadline, once, and others nothing", async () => {
  const it = world({ a: "hangs" });
  const { ask } = it.replicas(["http://a"]);
  const met: Promise<unknown>[] = [];
  for (let client = 0; client < 50; client++) {
    met.push(ask(`{ x${client} }`, { leftMs: 1_000 }));
    await it.time.pass(10);
  }
  await it.time.pass(1_000);
  for (const asked of met) await expect(asked).rejects.toMatchObject({ effect: "unknown" });
  expect(it.changes.filter((change) => change === "http://a open").length).toBeGreaterThan(0);
  expect(it.sent).toHaveLength(50);

  for (let client = 0; client < 50; client++) {
    await expect(ask(`{ y${client} }`)).rejects.toMatchObject({ effect: "refused" });
    await it.time.pass(100);
  }
  expect(it.sent).toHaveLength(50);
});

test("one that is slow but answers is never left out", async () => {
  const it = world({ a: 900 });
  const { ask, networks } = it.replicas(["http://a"]);
  for (let client = 0; client < 100; client++) {
    // Every second request has too little time for an answer.
    void ask(`{ x${client} }`, { leftMs: client % 2 ? 1_000 : 600 });
    await it.time.pass(150);
  }
  await it.time.pass(2_000);
  expect(it.changes).toEqual([]);
  expect(networks.circuits()).toMatchObject([{ state: "closed" }]);
});

test("one that has become slow beyond every short probe is found alive all the same", async () => {
  const it = world({ a: "hangs" });
  const { ask, networks } = it.replicas(["http://a"]);
  const asked = ask("{ x }", { leftMs: 1_000 });
  await it.time.pass(1_000);
  await expect(asked).rejects.toThrow();
  it.behaviours.set("http://a", 4_500);
  await it.time.pass(15_000);
  expect(networks.circuits()).toMatchObject([{ state: "closed" }]);
});

test("what one instance has too much of goes to another, or is refused; that is no failure of theirs", async () => {
  const it = world({ a: 100, b: 100 });
  const { ask, networks } = it.replicas(["http://a", "http://b"], { shareQueries: false });
  const asked = Array.from({ length: 4_001 }, () => ask());
  await expect(asked.at(-1)).rejects.toMatchObject({ effect: "refused" });
  await it.time.pass(100);
  const urls = (await Promise.all(asked.slice(0, -1))).map(({ data }) => (data as { url: string }).url);
  expect(urls.filter((url) => url === "http://b")).toHaveLength(2_000);
  expect(networks.circuits()).toMatchObject([{ state: "closed" }, { state: "closed" }]);
  const later = ask();
  await it.time.pass(100);
  expect((await later).data).toMatchObject({ url: "http://a" });
});

test("what cannot be sent opens no circuit, however often", async () => {
  const it = world({ a: "unsendable" });
  const { ask } = it.replicas(["http://a"]);
  for (let time = 0; time < 20; time++) await expect(ask()).rejects.toMatchObject({ effect: "refused" });
  expect(it.changes).toEqual([]);
});

test("while one instance is out the others answer", async () => {
  const it = world({ a: "hangs" });
  const { ask } = it.replicas(URLS);
  const first = ask("{ x }", { leftMs: 2_000 });
  await it.time.pass(1_010);
  expect((await first).data).toMatchObject({ url: "http://b" });
  const second = ask();
  await it.time.pass(10);
  expect((await second).data).toMatchObject({ url: "http://b" });
  expect(it.tried()).toBe("abb");
});

test("a partition is asked at its own instances only, and each has its record", async () => {
  const it = world({ south: "refuses" });
  const partition = (id: string) => ({
    id,
    name: id,
    claims: [],
    isDefault: id === "north",
    location: { latitude: 0, longitude: 0 },
    urls: [`http://${id}`],
  });
  const networks = it.networks();
  const { placements } = networks.update([
    {
      kind: "partitions",
      subgraph: "p",
      partitions: ["north", "south"].map(partition),
      partitionOf: (id) => id,
    },
  ]);
  const placement = placements.get("p")!;
  if (placement.kind !== "partitions") throw new Error("not partitions");
  expect(placement.partitionIds).toEqual(["north", "south"]);
  const terms = { mayRepeat: true, headers: {}, deadlineAtMs: 1_000 };
  const south = placement.ask.get("south")!({ query: "{ x }" }, terms);
  await expect(south).rejects.toMatchObject({ effect: "refused" });
  const north = placement.ask.get("north")!({ query: "{ x }" }, terms);
  await it.time.pass(10);
  expect((await north).data).toMatchObject({ url: "http://north" });
  expect(it.fetched).toMatchObject([
    { subgraph: "p", partition: "south", outcome: "refused" },
    { subgraph: "p", partition: "north", outcome: "answered" },
  ]);
  expect(networks.circuits().map(({ partition, state }) => [partition, state])).toEqual([
    ["north", "closed"],
    ["south", "open"],
  ]);
});

test("an endpoint keeps what is known of it from topology to topology, and is forgotten without one", async () => {
  const it = world({ a: "refuses" });
  const { ask, networks } = it.replicas(["http://a"]);
  await expect(ask()).rejects.toThrow();
  networks.update([{ kind: "replicas", subgraph: "other", urls: ["http://b", "http://a"] }]);
  expect(networks.circuits()).toEqual([
    { subgraph: "other", url: "http://b", state: "closed" },
    { subgraph: "other", url: "http://a", state: "open" },
  ]);
  networks.update([{ kind: "replicas", subgraph: "other", urls: ["http://b"] }]);
  const probes = it.probes.length;
  await it.time.pass(10_000);
  expect(it.probes).toHaveLength(probes);
  networks.update([{ kind: "replicas", subgraph: "s", urls: ["http://a"] }]);
  expect(networks.circuits()).toMatchObject([{ state: "closed" }]);
  await networks.close();
});

test("a request that began under one topology ends under it", async () => {
  const it = world({ a: 500 });
  const { ask, networks } = it.replicas(["http://a"]);
  const asked = ask();
  networks.update([{ kind: "replicas", subgraph: "s", urls: ["http://b"] }]);
  await it.time.pass(500);
  expect((await asked).data).toMatchObject({ url: "http://a" });
});

test("closing waits for no probe, not even one that hangs", async () => {
  const it = world({ a: "hangs" });
  const { ask, networks } = it.replicas(["http://a"]);
  const asked = ask("{ x }", { leftMs: 1_000 });
  await it.time.pass(1_200);
  await expect(asked).rejects.toThrow();
  expect(networks.circuits()).toMatchObject([{ state: "half-open" }]);
  await networks.close();
});

test("closing stops the probes", async () => {
  const it = world({ a: "refuses" });
  const { ask, networks } = it.replicas(["http://a"]);
  await expect(ask()).rejects.toThrow();
  await networks.close();
  expect(it.time.waiting).toBe(0);
});
