/** Goal: a node waits for what its caller has seen of the others, and for no longer than is of use. */
import { expect, test } from "vitest";
import { type Peers, type Received, reach } from "./peers.ts";

const at = (lsn: number) => ({ timeline: 1, lsn });
const wanted = (positions: Record<string, number>) =>
  new Map(Object.entries(positions).map(([place, lsn]) => [place, at(lsn)]));

/** Peers that tell, look by look, how far they are. */
function world(...looks: Record<string, number>[]) {
  const called: string[][] = [];
  let nowMs = 0;
  const peers: Peers = {
    async received(): Promise<Received> {
      const look = looks.length > 1 ? looks.shift()! : looks[0]!;
      return new Map(
        Object.entries(look).map(([place, lsn]) => [place, { includes: at(lsn), upTo: at(lsn + 5) }]),
      );
    },
    call: (places) => called.push([...places]),
  };
  const delay = async (ms: number) => {
    nowMs += ms;
  };
  return { called, peers, means: { nowMs: () => nowMs, delay }, tookMs: () => nowMs };
}

test("what is received already is not waited for, and nobody is called", async () => {
  const { peers, means, called, tookMs } = world({ "catalog/dakar": 7 });
  const received = await reach(peers, wanted({ "catalog/dakar": 7, "city/thies": 99 }), means);
  expect(received?.get("catalog/dakar")?.upTo).toEqual(at(12));
  expect([called, tookMs()]).toEqual([[], 0]);
});

test("those that are behind are called, once, and waited for", async () => {
  const { peers, means, called, tookMs } = world(
    { "catalog/dakar": 6, "catalog/louga": 1 },
    { "catalog/dakar": 6, "catalog/louga": 1 },
    { "catalog/dakar": 7, "catalog/louga": 1 },
  );
  const received = await reach(peers, wanted({ "catalog/dakar": 7, "catalog/louga": 1 }), means);
  expect(received?.get("catalog/dakar")?.includes).toEqual(at(7));
  expect([called, tookMs()]).toEqual([[["catalog/dakar"]], 10]);
});

test("one that is cut off is not waited for longer than 300 ms, and a node that has left not at all", async () => {
  const cut = world({ "catalog/dakar": 6 });
  expect(await reach(cut.peers, wanted({ "catalog/dakar": 7 }), cut.means)).toBeUndefined();
  expect(cut.tookMs()).toBe(300);
  const left = world({ "catalog/dakar": 6 });
  expect(await reach(left.peers, wanted({ "catalog/louga": 7 }), left.means)).toBeDefined();
});
