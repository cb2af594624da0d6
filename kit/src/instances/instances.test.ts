/** Goal: what an endpoint does by itself is of no request. Method: virtual time. */
import { AsyncLocalStorage } from "node:async_hooks";
import { expect, test } from "vitest";
import { EndpointWorld } from "../../test/endpoint-world.ts";
import { Instances } from "./instances.ts";

test("a probe is of no request, although a request was the first to ask there", async () => {
  const it = new EndpointWorld();
  it.behaviours.set("http://one", "refuses");
  const request = new AsyncLocalStorage<string>();
  const sentIn: (string | undefined)[] = [];
  const instances = new Instances({
    send(...sent) {
      sentIn.push(request.getStore());
      return it.send(...sent);
    },
    clock: it.time.clock,
    // As a real timer does, it runs for whoever started it.
    startTimer: (ms, run) => it.time.startTimer(ms, AsyncLocalStorage.bind(run)),
  });
  await request.run("a request", async () => {
    const [endpoint] = instances.of(["http://one"]);
    await expect(endpoint!.send({ query: "{ a }" }, { deadlineMs: 1_000 }, false)).rejects.toThrow();
  });
  await it.time.pass(150);
  await instances.close();
  expect(sentIn).toEqual(["a request", undefined]);
});
