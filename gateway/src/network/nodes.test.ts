/** Goal: of several nodes the nearest answers that has what the client has seen. Method: virtual time. */
import { expect, test } from "vitest";
import { NetworkWorld } from "../fixture/network-world.ts";
import type { ReplicaNetwork } from "./network.ts";

const URLS = ["http://a", "http://b"];

test.each([true, false])(
  "a node that lacks what the client has seen is passed over, and counts as well (query: %s)",
  async (mayRepeat) => {
    const it = new NetworkWorld();
    const send: typeof it.send = async (url, ...rest) => {
      const answer = await it.send(url, ...rest);
      return url === "http://a" ? { ...answer, notes: { readFrom: "nobody" } } : answer;
    };
    const { ask, networks } = it.replicas(URLS, { send });
    for (let time = 0; time < 10; time++) {
      const asked = ask("{ x }", { mayRepeat });
      await it.time.pass(10);
      expect((await asked).data).toMatchObject({ url: "http://b" });
    }
    expect(networks.circuits()[0]).toMatchObject({ url: "http://a", state: "closed" });
  },
);

test("the nearest node is the first in the topology that answers", async () => {
  const it = new NetworkWorld();
  it.behaviours.set("http://a", "refuses");
  const node = (name: string) => ({ name, url: `http://${name}`, database: `postgres://${name}/catalog` });
  const nodes = ["a", "b"].map(node);
  const urls = nodes.map(({ url }) => url);
  const networks = it.networks();
  const { placements } = networks.update([{ kind: "replicas", subgraph: "s", urls, nodes }]);
  const { ask, nearestNode } = placements.get("s") as ReplicaNetwork;
  expect(nearestNode!()).toBe("a");
  const asked = ask({ query: "{ x }" }, { mayRepeat: true, headers: {}, deadlineAtMs: 1_000 });
  await it.time.pass(10);
  await asked;
  expect(nearestNode!()).toBe("b");
  await networks.close();
});
