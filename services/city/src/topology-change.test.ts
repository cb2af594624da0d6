/**
 * Goal: a running city takes over a new topology together with its database, or refuses it as a whole.
 * Method: the real service and database.
 */
import { partitionsOf } from "@teranga/kit/topology/topology.ts";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { startWiredCity, topologyOf, type WiredCity } from "../test/city-over-wire.ts";

let city: WiredCity;

beforeAll(async () => {
  city = await startWiredCity("dakar", "topology-change");
});
afterAll(() => city?.close());

const REGISTER = `mutation ($town: String!, $email: String!) {
  registerClient(input: { name: "Awa", email: $email, town: $town }) { __typename }
}`;
const register = (town: string) => city.ask(REGISTER, { town, email: `${town}@example.org` });
const registered = { data: { registerClient: { __typename: "ClientRegistered" } }, errors: undefined };

test("towns that it claims now", async () => {
  expect((await register("Rufisque")).errors).toMatchObject([{ code: "WRONG_CITY" }]);
  await city.setTopology(topologyOf({}, { dakar: "Rufisque" }));
  expect(await register("Rufisque")).toEqual(registered);
});

test("a city that it does not know yet, or no more, takes part in what is sent to it", async () => {
  const id = "mbour:00000000-0000-7000-8000-000000000001";
  const lines = [{ productId: "101", quantity: 1 }];
  const prepare = [{ transactionId: id, kind: "ORDER", lines, leaseMs: 10_000 }];
  const { states } = await city.send("prepare", prepare);
  await city.setTopology(topologyOf({ mbour: "http://127.0.0.1:9/" }, { dakar: "Rufisque" }));
  expect([states, (await city.send("prepare", prepare)).states]).toEqual([["REFUSED"], ["ABORTED"]]);
});

test("towns in which it has clients cannot be taken from it", async () => {
  await expect(city.setTopology(topologyOf())).rejects.toThrow(
    /^TOPOLOGY: dakar has clients of towns that it does not claim/,
  );
  expect((await register("Thies")).errors).toMatchObject([{ code: "WRONG_CITY" }]);
  const again = await city.ask(REGISTER, { town: "Rufisque", email: "another@example.org" });
  expect(again).toEqual(registered);
});

test("who reads clients does not hold it up, and nobody waits behind it", async () => {
  const claims = topologyOf({}, { dakar: "Rufisque" });
  await city.sql.begin(async (reader) => {
    await reader`select from client`;
    await city.setTopology(topologyOf({ mbour: "http://127.0.0.1:9/" }, { dakar: "Rufisque, Bargny" }));
    expect((await city.sql`select from client`).length).toBeGreaterThan(0);
    expect(await register("Bargny")).toEqual(registered);
    await city.sql`delete from client where town = 'Bargny'`;
    await city.setTopology(claims);
  });
});

test("a client that is being registered is seen by a change that would leave it out", async () => {
  let refused: Promise<unknown> | undefined;
  await city.sql.begin(async (writer) => {
    await writer`delete from client where town = 'Rufisque'`;
    await writer`insert into client (id, name, email, town) values ('dakar:900', 'n', 'r@example.org', 'Rufisque')`;
    refused = expect(city.setTopology(topologyOf())).rejects.toThrow(/^TOPOLOGY: dakar has clients/);
    await untilWaiting(/set_fragment/);
  });
  await refused;
});

test("a client that waits for a change goes by the new rule", async () => {
  let answer: ReturnType<typeof register> | undefined;
  await city.sql.begin(async (change) => {
    await change`delete from client where town = 'Rufisque'`;
    await change`select set_fragment('dakar', false, '{dakar}', '{thies,autres}')`;
    answer = register("Rufisque");
    await untilWaiting(/insert into client/);
  });
  expect((await answer)?.errors).toMatchObject([{ code: "WRONG_CITY" }]);
  expect(city.takeLog()).toEqual([]);
});

/** Waits until a statement of the city waits for a lock. */
async function untilWaiting(statement: RegExp): Promise<void> {
  await vi.waitUntil(async () => {
    const waiting = await city.sql<{ query: string }[]>`
      select query from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    return waiting.some(({ query }) => statement.test(query));
  });
}

test("a topology without the city is refused", async () => {
  const { placements } = topologyOf();
  const all = partitionsOf({ placements }, "city");
  const others = { ...all, partitions: all.partitions.filter(({ id }) => id !== "dakar") };
  const without = { placements: new Map([...placements, ["city", others] as const]) };
  await expect(city.setTopology(without)).rejects.toThrow('CITY: the topology has no city "dakar"');
});
