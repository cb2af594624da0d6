/**
 * Goal: no request of one client makes an endpoint unavailable to other clients. Method: operations that
 * behave as the test says, in virtual time.
 */
import { expect, test } from "vitest";
import { NetworkWorld } from "../fixture/network-world.ts";
import { AnswerRoom } from "../ground/answer-room.ts";

test.each(["fails", "floods", "denies"] as const)(
  "one operation that always %s closes the way for no other, however quiet it is there",
  async (behaviour) => {
    const it = new NetworkWorld();
    it.operationBehaviours.set("{ bad }", behaviour);
    const { ask } = it.replicas(["http://a"]);
    for (let time = 0; time < 50; time++) {
      const asked = ask("{ bad }");
      await it.time.pass(100);
      await expect(asked).rejects.toThrow();
    }
    expect(it.changes).toEqual([]);
  },
);

test("one operation that is never answered is in the way of others for a moment, once", async () => {
  const it = new NetworkWorld();
  it.operationBehaviours.set("{ slow }", "hangs");
  const { ask } = it.replicas(["http://a"]);
  for (let time = 0; time < 20; time++) {
    const asked = ask("{ slow }");
    await it.time.pass(6_000);
    await expect(asked).rejects.toThrow();
  }
  expect(it.changes).toEqual(["http://a open", "http://a half-open", "http://a closed"]);
});

test("many operations that fail are the endpoint's failure, and a probe that fails alike decides nothing", async () => {
  const it = new NetworkWorld();
  it.behaviours.set("http://a", "fails");
  const { ask } = it.replicas(["http://a"]);
  for (let time = 0; time < 5; time++) {
    const asked = ask(`{ x${time} }`);
    await it.time.pass(5);
    await expect(asked).rejects.toThrow();
  }
  expect(it.changes).toEqual(["http://a open"]);
  await it.time.pass(200);
  expect(it.changes).toEqual(["http://a open", "http://a half-open", "http://a closed"]);
});

test("an endpoint is not slow for the time that we hold up its answer", async () => {
  const it = new NetworkWorld();
  const room = new AnswerRoom({ bytesMax: 1_000_000, startTimer: it.time.startTimer });
  const [other, holding] = [room.begin(), room.begin()];
  void other.read(1_000_000);
  it.behaviours.set("http://a", "hangs");
  const send: typeof it.send = async (url, request, options) => {
    if (request.query !== "{ great }") return it.send(url, request, options);
    await options?.reader?.read(500_000);
    return { data: {} };
  };
  const { ask } = it.replicas(["http://a"], { send });
  const great = ask("{ great }", { holding });
  await it.time.pass(900);
  other.end();
  await great;
  // A silence of 1.1 s tells of an endpoint that answers at once, and not of one that takes 0.9 s.
  const silent = ask("{ x }", { leftMs: 1_100 });
  await it.time.pass(1_100);
  await expect(silent).rejects.toThrow();
  expect(it.changes).toEqual(["http://a open"]);
});
