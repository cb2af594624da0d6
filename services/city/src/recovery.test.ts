/**
 * Two cities over real HTTP finish transactions that an orchestrator has left. A home tells its participants
 * of a cancellation and of a transfer; a participant asks about a transfer. Each test takes the steps by hand
 * and sets the clock.
 */

import { randomUUID } from "node:crypto";
import { createTransport } from "@teranga/kit/http/transport.ts";
import type { AskMeans } from "@teranga/kit/instances/ask.ts";
import { Instances } from "@teranga/kit/instances/instances.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import { Registry } from "@teranga/kit/process/metrics.ts";
import { partitionsOf } from "@teranga/kit/topology/topology.ts";
import { createCommitProtocol } from "@teranga/protocol/city/commit-protocol.ts";
import { askHomes, tellParticipants } from "@teranga/protocol/city/recovery.ts";
import { createRecoveryMessages, type RecoveryMessages } from "@teranga/protocol/city/recovery-messages.ts";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { CREDENTIAL, startWiredCity, topologyOf, type WiredCity } from "../test/city-over-wire.ts";
import { brokenInvariants } from "../test/invariants.ts";
import { cancellationOf, idOf, line, orderOf, transferOf } from "../test/protocol-database.ts";
import { setClock } from "../test/set-clock.ts";
import { createCatalogClient } from "./catalog-client.ts";
import type { City } from "./context.ts";
import { createCityMetrics } from "./metrics.ts";
import { createPayments } from "./payments/payments.ts";

const ORDER = idOf("dakar", 1);
const CANCEL = idOf("dakar", 2);
const TRANSFER = idOf("dakar", 3);
const GIVEN = [line("101", 2)];
const MOVED = [line("101", 4)];

let dakar: WiredCity;
let thies: WiredCity;
let home: City;
let participant: City;
let messages: RecoveryMessages;
const transport = createTransport({ credential: CREDENTIAL, isService: true });
const asking: AskMeans = {
  instances: new Instances({ send: transport.send }),
  newId: randomUUID,
  onFault(fault) {
    throw fault;
  },
};

beforeAll(async () => {
  [dakar, thies] = await Promise.all([
    startWiredCity("dakar", "recovery_dakar"),
    startWiredCity("thies", "recovery_thies"),
  ]);
  home = cityOf("dakar", dakar);
  participant = cityOf("thies", thies);
  messages = createRecoveryMessages(home.placement, asking);
});
afterAll(async () => {
  await transport.close();
  await dakar.close();
  await thies.close();
});
beforeEach(async () => {
  nowMs = Date.now();
  await Promise.all([dakar.reset(), thies.reset()]);
});
afterEach(async () => {
  for (const { sql } of [dakar, thies])
    expect(await brokenInvariants((text) => sql.unsafe(text))).toEqual({});
  expect([...dakar.takeLog(), ...thies.takeLog()]).toEqual([]);
});

let nowMs = 0;
/** Time for the home to tell its participants, for a deadline to pass, and for another try. */
const pass = (ms = 20_000) => {
  nowMs += ms;
};

function cityOf(id: string, { sql }: WiredCity): City {
  const topology = topologyOf({ dakar: dakar.url, thies: thies.url });
  const means = {
    id,
    sql,
    protocol: createCommitProtocol(sql),
    metrics: createCityMetrics(new Registry()),
    clock: setClock(() => nowMs),
    log: createLogger("test", "silent"),
  };
  return {
    ...means,
    placement: partitionsOf(topology, "city"),
    payments: createPayments(means, []),
    catalog: createCatalogClient(topology, asking),
  };
}

const level = async ({ sql }: WiredCity, productId = "101") =>
  (
    await sql<{ on_hand: number; reserved: number }[]>`
    select on_hand, reserved from stock where product_id = ${productId}`
  )[0];
const unacknowledged = async () =>
  (
    await dakar.sql<{ id: string }[]>`
      select transaction_id as id from decision_participant where acknowledged_at is null order by 1`
  ).map(({ id }) => id);
const prepare = (transactionId: string, kind: string, lines: object[]) =>
  thies.send("prepare", [{ transactionId, kind, lines, leaseMs: 5_000 }]);

/** An order at its commit point, prepared by its participant. */
async function placeOrder(): Promise<void> {
  expect((await prepare(ORDER, "ORDER", GIVEN)).states).toEqual(["PREPARED"]);
  expect((await dakar.send("commit", [orderOf(ORDER)])).states).toEqual(["COMMITTED"]);
}

describe("a home tells", () => {
  test("of an order and of its cancellation, in one step", async () => {
    await placeOrder();
    expect((await dakar.send("cancel", [cancellationOf(CANCEL, ORDER)])).states).toEqual(["COMMITTED"]);
    expect(await tellParticipants(home, messages)).toBe(false);
    pass();
    expect(await tellParticipants(home, messages)).toBe(true);
    expect(await unacknowledged()).toEqual([]);
    expect(await level(thies)).toEqual({ on_hand: 10, reserved: 0 });
    expect(await tellParticipants(home, messages)).toBe(false);
  });

  test("of a cancellation again whose acknowledgement was lost, and it gives back once", async () => {
    await placeOrder();
    await dakar.send("cancel", [cancellationOf(CANCEL, ORDER)]);
    pass();
    const mute: RecoveryMessages = {
      ...messages,
      decide: async (...message) => {
        await messages.decide(...message);
        throw new Error("the answer is lost");
      },
    };
    await tellParticipants(home, mute);
    expect(await unacknowledged()).toEqual([ORDER, CANCEL]);
    expect(await tellParticipants(home, messages)).toBe(false);
    pass();
    await tellParticipants(home, messages);
    expect(await unacknowledged()).toEqual([]);
    expect(await level(thies)).toEqual({ on_hand: 10, reserved: 0 });
  });

  test("of a transfer, whose giver gives what it has set aside", async () => {
    await prepare(TRANSFER, "TRANSFER", MOVED);
    expect((await dakar.send("transfer", [transferOf(TRANSFER)])).states).toEqual(["COMMITTED"]);
    expect([await level(dakar), await level(thies)]).toEqual([
      { on_hand: 14, reserved: 0 },
      { on_hand: 10, reserved: 4 },
    ]);
    pass();
    await tellParticipants(home, messages);
    expect(await level(thies)).toEqual({ on_hand: 6, reserved: 0 });
    expect(await unacknowledged()).toEqual([]);
  });

  test("the others, while one participant cannot take what it gets back", async () => {
    await thies.sql.unsafe(`
      insert into stock (product_id, warehouse, on_hand) values ('900', 'w', 10);
      insert into stock_movement (product_id, reason, on_hand_change, reserved_change) values ('900', 'RESTOCKED', 10, 0);
      alter table stock add constraint full_900 check (product_id <> '900' or on_hand <= 10)`);
    const blocked = idOf("dakar", 7);
    const order = orderOf(blocked, {
      idempotencyKey: "other",
      lines: [{ productId: "900", quantity: 1, unitPrice: 1 }],
      allocations: [{ cityId: "thies", productId: "900", quantity: 1 }],
    });
    await prepare(blocked, "ORDER", [line("900", 1)]);
    await dakar.send("commit", [order]);
    await dakar.send("cancel", [cancellationOf(idOf("dakar", 8), blocked, { idempotencyKey: "other" })]);
    // The return overtakes the confirmation, which alone would make room for it.
    await dakar.sql`update decision_participant set next_attempt_at = now() + interval '1 hour' where transaction_id = ${blocked}`;
    await placeOrder();
    pass();
    await tellParticipants(home, messages);
    expect(await unacknowledged()).toEqual([blocked, idOf("dakar", 8)]);
    expect(thies.takeLog()).toEqual([
      expect.objectContaining({ level: 50, transactionId: idOf("dakar", 8) }),
    ]);
    pass(3_700_000);
    for (const _ of [1, 2]) {
      await tellParticipants(home, messages);
      pass();
    }
    thies.takeLog();
    expect(await unacknowledged()).toEqual([]);
    expect(await level(thies, "900")).toEqual({ on_hand: 10, reserved: 0 });
    await thies.sql`alter table stock drop constraint full_900`;
  });
});

describe("a participant asks", () => {
  test("about a transfer that was committed, and gives", async () => {
    await prepare(TRANSFER, "TRANSFER", MOVED);
    await dakar.send("transfer", [transferOf(TRANSFER)]);
    expect(await askHomes(participant, messages)).toBe(false);
    pass();
    expect(await askHomes(participant, messages)).toBe(true);
    expect(await level(thies)).toEqual({ on_hand: 6, reserved: 0 });
    pass();
    await tellParticipants(home, messages);
    expect(await unacknowledged()).toEqual([]);
    expect(await level(thies)).toEqual({ on_hand: 6, reserved: 0 });
  });

  test.each([
    ["sooner than a second", -2_147_483_648, 1_000],
    ["later than a minute", 2_147_483_647, 60_000],
  ])("never %s after the prepare, whatever lease it was given", async (_name, leaseMs, boundMs) => {
    await thies.send("prepare", [{ transactionId: TRANSFER, kind: "TRANSFER", lines: MOVED, leaseMs }]);
    const asks = await thies.sql`
      select extract(epoch from next_attempt_at - created_at)::float8 * 1000 as "afterMs" from participation`;
    expect(asks).toEqual([{ afterMs: boundMs }]);
  });

  test("about a transfer that nobody has committed, which then nobody can", async () => {
    await prepare(TRANSFER, "TRANSFER", MOVED);
    pass();
    await askHomes(participant, messages);
    expect(await level(thies)).toEqual({ on_hand: 10, reserved: 0 });
    expect((await dakar.send("transfer", [transferOf(TRANSFER)])).states).toEqual(["ABORTED"]);
    expect(await level(dakar)).toEqual({ on_hand: 10, reserved: 0 });
  });

  test("about an order that was cancelled meanwhile: it gives, and gets back", async () => {
    await placeOrder();
    await dakar.send("cancel", [cancellationOf(CANCEL, ORDER)]);
    await thies.send("decide", [
      { transactionId: CANCEL, kind: "CANCELLATION", decision: "COMMITTED", lines: GIVEN },
    ]);
    expect(await level(thies)).toEqual({ on_hand: 12, reserved: 2 });
    pass();
    await askHomes(participant, messages);
    expect(await level(thies)).toEqual({ on_hand: 10, reserved: 0 });
  });

  test("about an order and a transfer of one home in one step, and gives for both", async () => {
    await prepare(TRANSFER, "TRANSFER", MOVED);
    await dakar.send("transfer", [transferOf(TRANSFER)]);
    await placeOrder();
    pass();
    await askHomes(participant, messages);
    expect(await level(thies)).toEqual({ on_hand: 4, reserved: 0 });
  });

  test("again, while the home does not answer: it never guesses", async () => {
    await prepare(TRANSFER, "TRANSFER", MOVED);
    const away: RecoveryMessages = {
      ...messages,
      outcome: () => Promise.reject(new Error("the home is away")),
    };
    for (const _ of [1, 2, 3]) {
      pass();
      expect(await askHomes(participant, away)).toBe(true);
    }
    expect(await level(thies)).toEqual({ on_hand: 10, reserved: 4 });
    pass();
    await askHomes(participant, messages);
    expect(await level(thies)).toEqual({ on_hand: 10, reserved: 0 });
  });

  test("and one answer that cannot be applied does not hold up the others", async () => {
    const odd = idOf("dakar", 9);
    await prepare(odd, "TRANSFER", MOVED);
    await prepare(TRANSFER, "TRANSFER", GIVEN);
    const lying: RecoveryMessages = {
      ...messages,
      outcome: async (...question) =>
        (await messages.outcome(...question)).map((answer) =>
          answer.transactionId === odd
            ? { ...answer, state: "COMMITTED" as const, lines: [line("101", 2 ** 40)] }
            : answer,
        ),
    };
    pass();
    await askHomes(participant, lying);
    expect(await level(thies)).toEqual({ on_hand: 10, reserved: 4 });
  });
});
