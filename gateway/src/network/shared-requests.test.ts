/**
 * Goal: equal queries that are under way share one request. No client gets an answer from before its own
 * mutation, or another client's answer. Method: endpoints in virtual time that number their answers.
 */
import { printPositions } from "@teranga/kit/reads/read-headers.ts";
import { expect, test, vi } from "vitest";
import { NetworkWorld } from "../fixture/network-world.ts";
import { AnswerRoom } from "../ground/answer-room.ts";
import { answering } from "../ground/answering.ts";
import { type ReadAfter, UNCERTAIN } from "../session/read-after.ts";
import { SharedRequests } from "./shared-requests.ts";

const URL_A = "http://a";

function slowWorld(answerAfterMs = 100) {
  const it = new NetworkWorld();
  it.behaviours.set(URL_A, answerAfterMs);
  return it;
}

const numbers = async (asked: readonly Promise<{ data?: unknown }>[]) =>
  (await Promise.all(asked)).map(({ data }) => (data as { number: number }).number);

test("equal queries get one answer, which says that it is shared; later ones a new one", async () => {
  const it = slowWorld();
  const { ask } = it.replicas([URL_A]);
  const asked = [ask(), ask(), ask()];
  await it.time.pass(100);
  expect(await numbers(asked)).toEqual([1, 1, 1]);
  const answers = await Promise.all(asked);
  expect(answers.every((answer) => answer === answers[0] && answer.shared)).toBe(true);
  expect(it.fetched).toMatchObject([
    { attempts: 1, shared: false },
    { attempts: 0, shared: true },
    { attempts: 0, shared: true },
  ]);
  const later = ask();
  await it.time.pass(100);
  expect(await later).toMatchObject({ data: { number: 2 }, shared: false });
});

test("headers that only name or trace the request do not keep queries apart; all others do", async () => {
  const it = slowWorld();
  const { ask } = it.replicas([URL_A]);
  const headers = [
    { "x-request-id": "1", traceparent: "a" },
    { "x-request-id": "2", tracestate: "b" },
    { authorization: "ann" },
    { authorization: "bob" },
    { authorization: "bob", "x-request-id": "3" },
    { "accept-language": "fr" },
  ];
  const asked = headers.map((each) => ask("{ me }", { headers: each }));
  await it.time.pass(100);
  expect(await numbers(asked)).toEqual([1, 1, 2, 3, 3, 4]);
});

const after = (lsn?: number): ReadAfter => {
  const seen = new Map(lsn === undefined ? [] : [["s", { timeline: 1, lsn }]]);
  return { header: printPositions(seen), seen };
};

test("a query joins one under way only if that one's answer must include all that its own must", async () => {
  const it = slowWorld();
  const { ask } = it.replicas([URL_A]);
  const wishes = [after(5), after(4), after(), after(5), after(7), after(6), UNCERTAIN, after(1), undefined];
  const asked = wishes.map((each) => ask("{ x }", { after: each }));
  await it.time.pass(100);
  // Nothing is known of what the seventh includes. The last takes no part in sessions.
  expect(await numbers(asked)).toEqual([1, 1, 1, 1, 2, 2, 3, 2, 4]);
});

test("a thousand equal queries of clients that have seen different things are a few requests", async () => {
  const it = slowWorld();
  const { ask } = it.replicas([URL_A]);
  // 1 to 1,008, each once, in no order.
  const seen = Array.from({ length: 1_008 }, (_, index) => (11 ** 3 * (index + 1)) % 1_009);
  const asked = seen.map((lsn) => ask("{ x }", { after: after(lsn) }));
  await it.time.pass(100);
  const records = seen.filter((lsn, index) => lsn > Math.max(0, ...seen.slice(0, index)));
  expect(it.sent).toHaveLength(records.length);
  expect(records.length).toBeLessThan(10);
  for (const [index, number] of (await numbers(asked)).entries())
    expect(records[number - 1]).toBeGreaterThanOrEqual(seen[index]!);
});

test("another text, name or variable, or another subgraph at the same address, is another query", async () => {
  const it = slowWorld();
  const networks = it.networks();
  const { placements } = networks.update(
    ["s", "t"].map((subgraph) => ({ kind: "replicas" as const, subgraph, urls: [URL_A] })),
  );
  const terms = { mayRepeat: true, headers: {}, deadlineAtMs: 5_000 };
  const requests = [
    { query: "{ x }" },
    { query: "{ y }" },
    { query: "{ x }", operationName: "A" },
    { query: "{ x }", variables: { a: 1 } },
    { query: "{ x }", variables: { a: "1" } },
  ];
  const asked = [...requests, ...requests].map((request) => {
    const placement = placements.get("s")!;
    return placement.kind === "replicas" ? placement.ask(request, terms) : Promise.reject();
  });
  const other = placements.get("t")!;
  if (other.kind === "replicas") asked.push(other.ask(requests[0]!, terms));
  await it.time.pass(100);
  expect(await numbers(asked)).toEqual([1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 6]);
});

test.each([1, "cuts", "refuses", "hangs"] as const)(
  "a query that comes after a mutation that ended (%s) does not join one of before, whatever the subgraph",
  async (behaviour) => {
    const it = slowWorld(2_000);
    it.behaviours.set("http://b", behaviour);
    const networks = it.networks();
    const { placements } = networks.update([
      { kind: "replicas", subgraph: "cities", urls: [URL_A] },
      { kind: "replicas", subgraph: "orders", urls: ["http://b"] },
    ]);
    const [cities, orders] = ["cities", "orders"].map((name) => {
      const placement = placements.get(name)!;
      if (placement.kind !== "replicas") throw new Error("not replicas");
      return placement.ask;
    });
    const terms = { mayRepeat: true, headers: {}, deadlineAtMs: 5_000 };
    const before = cities!({ query: "{ x }" }, terms);
    const mutation = orders!({ query: "mutation { x }" }, { ...terms, mayRepeat: false, deadlineAtMs: 500 });
    mutation.catch(() => {});
    const during = cities!({ query: "{ x }" }, terms);
    await it.time.pass(600);
    const after = [cities!({ query: "{ x }" }, terms), cities!({ query: "{ x }" }, terms)];
    await it.time.pass(3_000);
    const [first, joined, ...rest] = await numbers([before, during, ...after]);
    expect(joined).toBe(first);
    expect(rest[0]).not.toBe(first);
    expect(rest[1]).toBe(rest[0]);
  },
);

test("mutations are never shared", async () => {
  const it = slowWorld();
  const { ask } = it.replicas([URL_A]);
  const asked = [1, 2].map(() => ask("mutation { x }", { mayRepeat: false }));
  await it.time.pass(100);
  expect(await numbers(asked)).toEqual([1, 2]);
});

test("a query joins only what leaves it half of its time", async () => {
  const it = slowWorld(400);
  const { ask } = it.replicas([URL_A]);
  const short = ask("{ x }", { leftMs: 500 });
  const patient = ask("{ x }", { leftMs: 1_100 });
  // The patient query's flight has replaced that of the short one.
  const equal = ask("{ x }", { leftMs: 1_000 });
  await it.time.pass(500);
  expect(await numbers([short, patient, equal])).toEqual([1, 2, 2]);
});

test("a query that joins keeps its own deadline, and costs the others nothing", async () => {
  const it = slowWorld(600);
  const { ask } = it.replicas([URL_A]);
  const patient = ask("{ x }", { leftMs: 1_000 });
  const hurried = ask("{ x }", { leftMs: 300 });
  let endedAtMs = 0;
  void hurried.catch(() => {
    endedAtMs = it.time.nowMs;
  });
  await it.time.pass(600);
  await expect(hurried).rejects.toMatchObject({ effect: "unknown" });
  expect(endedAtMs).toBe(300);
  expect(await numbers([patient])).toEqual([1]);
  expect(it.time.waiting).toBe(0);
});

test("the turn to make an answer of what is shared is waited for within the deadline, once for an asker", async () => {
  const it = slowWorld(100);
  const { ask } = it.replicas([URL_A]);
  const turn = vi.spyOn(answering, "turn").mockReturnValue(new Promise(() => {}));
  const asker = {};
  const asked = [ask(), ask("{ x }", { leftMs: 4_000, asker })];
  const failures = asked.map((each) => each.catch(() => it.time.nowMs));
  await it.time.pass(6_000);
  expect(turn.mock.calls[1]![0]).toBe(asker);
  turn.mockRestore();
  expect(await Promise.all(failures)).toEqual([5_000, 4_000]);
  expect(it.time.waiting).toBe(0);
});

test("a flight that fails fails all who joined, and nobody after", async () => {
  const it = new NetworkWorld();
  it.behaviours.set(URL_A, "cuts");
  const { ask } = it.replicas([URL_A]);
  const asked = [ask(), ask(), ask()];
  await it.time.pass(10);
  for (const one of asked) await expect(one).rejects.toMatchObject({ effect: "unknown" });
  // Each instance as often as for one query, so twice.
  expect(it.sent).toHaveLength(2);
  it.behaviours.set(URL_A, 1);
  const later = ask();
  await it.time.pass(10);
  expect(await numbers([later])).toEqual([1]);
});

test("what was read for a flight that fails in an unknown way is not counted for good", async () => {
  const { time } = new NetworkWorld();
  const room = new AnswerRoom({});
  const shared = new SharedRequests({ ended: 0 }, () => time.nowMs, time.startTimer);
  const holdings = [room.begin(), room.begin()];
  const asked = holdings.map((holding) => {
    const terms = { body: "{ x }", headers: {}, deadlineAtMs: 5_000, asker: {}, holding };
    return shared.run(terms, async (reader) => {
      await reader.read(1_000_000);
      throw new Error("a fault of ours");
    });
  });
  for (const one of asked) await expect(one).rejects.toThrow("a fault of ours");
  for (const holding of holdings) holding.end();
  expect(room.bytes).toBe(0);
});

test("a query whose answer is too large for its request is not sent to other instances", async () => {
  const it = new NetworkWorld();
  const holding = new AnswerRoom({ bytesMax: 1_000_000 }).begin();
  const asked: string[] = [];
  const send: typeof it.send = async (url, _request, options) => {
    asked.push(url);
    await options?.reader?.read(1_000_001);
    return { data: {} };
  };
  const { ask } = it.replicas([URL_A, "http://b"], { send });
  await expect(ask("{ x }", { holding })).rejects.toMatchObject({ said: "its answer is too large" });
  expect(asked).toEqual([URL_A]);
});

test("it can be turned off", async () => {
  const it = slowWorld();
  const { ask } = it.replicas([URL_A], { shareQueries: false });
  const asked = [ask(), ask()];
  await it.time.pass(100);
  expect(await numbers(asked)).toEqual([1, 2]);
});
