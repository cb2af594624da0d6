/**
 * Goal: a restock and a registration happen once for each key, however often and from wherever they are sent.
 * Method: over the wire to a real city, one after the other and at the same time.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startWiredCity, type WiredCity } from "../test/city-over-wire.ts";

let dakar: WiredCity;
/** The statement for which the database is away: the one with these words, after `after` others with them. */
let away: { words: string; after: number } | undefined;
beforeAll(async () => {
  dakar = await startWiredCity("dakar", "city_keys", (statement) => {
    if (away && statement.includes(away.words) && away.after-- === 0)
      throw Object.assign(new Error("the database is away"), { code: "ECONNREFUSED" });
  });
});
afterAll(() => dakar.close());
beforeEach(async () => {
  away = undefined;
  await dakar.reset();
  await dakar.sql`select setval('client_number', 1000)`;
  await dakar.sql`insert into stock (product_id, warehouse, on_hand) values ('102', 'Dakar', 0) on conflict do nothing`;
});

const sendRestock = (input: object) =>
  dakar.ask(
    `mutation ($input: RestockInput!) { restock(input: $input) {
      __typename ... on Restocked { stock { onHand } } ... on RestockKeyReused { product { id } quantity } } }`,
    { input: { cityId: "dakar", productId: "101", quantity: 5, ...input } },
  );

async function restock(input: object = {}) {
  const { data, errors } = await sendRestock(input);
  expect(errors).toBeUndefined();
  return (data as Record<string, unknown>).restock;
}

const sendRegistration = (input: object) =>
  dakar.ask(
    `mutation ($input: RegisterClientInput!) { registerClient(input: $input) {
      __typename ... on ClientRegistered { client { name email } } ... on RegistrationKeyReused { client { name email } } } }`,
    { input: { name: "Awa", email: "awa@example.org", town: "Dakar", ...input } },
  );

async function register(input: object = {}) {
  const { data, errors } = await sendRegistration(input);
  expect(errors).toBeUndefined();
  return (data as Record<string, unknown>).registerClient;
}

const onHand = async () =>
  Number((await dakar.sql`select on_hand from stock where product_id = '101'`)[0]!.on_hand);
const registered = async () =>
  Number((await dakar.sql`select count(*) from client where email like 'awa%'`)[0]!.count);

test("a restock is added once a key", async () => {
  const before = await onHand();
  const added = { __typename: "Restocked", stock: { onHand: before + 5 } };
  expect(await restock({ idempotencyKey: "k" })).toEqual(added);
  expect(await restock({ idempotencyKey: "k" })).toEqual(added);
  expect(await restock({ idempotencyKey: "another" })).toMatchObject({ stock: { onHand: before + 10 } });
  expect(await restock()).toMatchObject({ stock: { onHand: before + 15 } });
  expect(await restock()).toMatchObject({ stock: { onHand: before + 20 } });
});

test.each([{ quantity: 6 }, { productId: "102" }])(
  "a key of a restock is not taken for %j",
  async (other) => {
    await restock({ idempotencyKey: "k" });
    const before = await dakar.contents();
    expect(await restock({ idempotencyKey: "k", ...other })).toEqual({
      __typename: "RestockKeyReused",
      product: { id: "101" },
      quantity: 5,
    });
    expect(await dakar.contents()).toEqual(before);
  },
);

test("twenty restocks of one key at the same time are one", async () => {
  const before = await onHand();
  const answers = await Promise.all(Array.from({ length: 20 }, () => restock({ idempotencyKey: "k" })));
  for (const answer of answers) {
    expect(answer).toEqual({ __typename: "Restocked", stock: { onHand: before + 5 } });
  }
  expect(await onHand()).toBe(before + 5);
});

test("twenty restocks of one key at the same time, with room for one, are one, and all are told so", async () => {
  const quantity = 600_000;
  await dakar.sql`update stock set on_hand = ${1_000_000_000 - quantity} where product_id = '101'`;
  const delivery = { quantity, idempotencyKey: "k" };
  const answers = await Promise.all(Array.from({ length: 20 }, () => restock(delivery)));
  for (const answer of [...answers, await restock(delivery)])
    expect(answer).toEqual({ __typename: "Restocked", stock: { onHand: 1_000_000_000 } });
});

test("a restock without room is refused, and its key is free", async () => {
  await dakar.sql`update stock set on_hand = 1000000000 where product_id = '101'`;
  const full = { code: "BAD_USER_INPUT", field: "input.quantity" };
  for (const input of [{}, { idempotencyKey: "k" }])
    expect(await sendRestock(input)).toMatchObject({ errors: [full] });
  await dakar.sql`update stock set on_hand = 10 where product_id = '101'`;
  expect(await restock({ idempotencyKey: "k" })).toMatchObject({ stock: { onHand: 15 } });
});

describe("a database that goes away before the key is looked up leaves it unknown what has happened", () => {
  const unknown = [{ code: "OUTCOME_UNKNOWN", city: "dakar" }];

  test.each([
    ["its key", { words: "where idempotency_key =", after: 0 }],
    // The same table is read once before, to see whether the product is in stock.
    ["the level for the answer", { words: "from stock where product_id", after: 1 }],
  ])("of a restock, %s", async (_, look) => {
    await restock({ idempotencyKey: "k" });
    away = look;
    expect((await sendRestock({ idempotencyKey: "k" })).errors).toEqual(unknown);
  });

  test("of a registration", async () => {
    await register({ idempotencyKey: "k" });
    away = { words: "where registration_key =", after: 0 };
    expect((await sendRegistration({ idempotencyKey: "k" })).errors).toEqual(unknown);
  });

  test("of a top-up that was carried out", async () => {
    away = { words: "from ledger_entry", after: 0 };
    const { errors } = await dakar.ask(
      "mutation ($input: TopUpWalletInput!) { topUpWallet(input: $input) { __typename } }",
      { input: { clientId: "dakar:1", amount: 5 } },
    );
    expect(errors).toEqual(unknown);
    expect(await dakar.sql`select balance from wallet`).toEqual([{ balance: 5 }]);
  });
});

test("a registration happens once a key, also after the client has changed", async () => {
  const first = await register({ idempotencyKey: "k" });
  expect(first).toMatchObject({ __typename: "ClientRegistered" });
  expect(await register({ idempotencyKey: "k" })).toEqual(first);
  expect(await register()).toEqual({ __typename: "EmailTaken" });
  expect(await register({ idempotencyKey: "another" })).toEqual({ __typename: "EmailTaken" });
  await dakar.sql`update client set email = 'awa2@example.org' where email = 'awa@example.org'`;
  expect(await register({ idempotencyKey: "k" })).toEqual({
    __typename: "ClientRegistered",
    client: { name: "Awa", email: "awa2@example.org" },
  });
  expect(await registered()).toBe(1);
});

test("twenty registrations of one key at the same time are one", async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, () => register({ idempotencyKey: "k" })));
  for (const answer of answers) expect(answer).toEqual(answers[0]);
  expect(answers[0]).toMatchObject({ __typename: "ClientRegistered" });
  expect(await registered()).toBe(1);
});

test.each([{ name: "Awa N." }, { email: "awa3@example.org" }, { phone: "+221771234567" }])(
  "a key of a registration is not taken for %j",
  async (other) => {
    await register({ idempotencyKey: "k" });
    expect(await register({ idempotencyKey: "k", ...other })).toEqual({
      __typename: "RegistrationKeyReused",
      client: { name: "Awa", email: "awa@example.org" },
    });
    expect(await registered()).toBe(1);
  },
);
