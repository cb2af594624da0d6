/**
 * Goal: a city shows and changes a row for those whose it is, and to all others it is as if it were missing.
 * Method: a real city, asked by everybody for own, foreign and missing rows.
 */
import { type Identity, VISITOR } from "@teranga/kit/identity/identity.ts";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { startWiredCity, type WiredCity } from "../test/city-over-wire.ts";

const ORDER = "thies:01900000-0000-7000-8000-000000000001";

const everybody = {
  visitor: VISITOR,
  owner: { role: "client", clientId: "thies:1" },
  neighbour: { role: "client", clientId: "thies:2" },
  stranger: { role: "client", clientId: "dakar:1" },
  "operator here": { role: "city-operator", subject: "fatou", cityId: "thies" },
  "operator of Dakar": { role: "city-operator", subject: "moussa", cityId: "dakar" },
  "operator elsewhere": { role: "city-operator", subject: "awa", cityId: "autres" },
  company: { role: "company-operator", subject: "ndeye" },
} satisfies Record<string, Identity>;

type Somebody = keyof typeof everybody;
const names = Object.keys(everybody) as Somebody[];

let city: WiredCity;
beforeAll(async () => {
  city = await startWiredCity("thies", "ownership");
});
afterAll(() => city.close());

/** An order of thies:1, of which Dakar gives a part. */
beforeEach(async () => {
  await city.reset();
  const { states } = await city.send("commit", [
    {
      transactionId: ORDER,
      clientId: "thies:1",
      idempotencyKey: "k",
      requestHash: "h",
      lines: [{ productId: "101", quantity: 3, unitPrice: 5 }],
      allocations: [
        { cityId: "thies", productId: "101", quantity: 1 },
        { cityId: "dakar", productId: "101", quantity: 2 },
      ],
      paymentMethod: "CASH_ON_DELIVERY",
    },
  ]);
  expect(states).toEqual(["COMMITTED"]);
});

interface Told {
  data: Record<string, unknown> | null;
  errors: unknown;
}

async function askAll(query: string, variables: object = {}): Promise<Record<Somebody, Told>> {
  const answers = await Promise.all(
    names.map(async (name) => [name, await city.ask(query, variables, everybody[name])] as const),
  );
  return Object.fromEntries(answers) as Record<Somebody, Told>;
}

/** Who gets something other than null at this root field. */
async function whoSees(field: string, query: string): Promise<Somebody[]> {
  const answers = await askAll(query);
  return names.filter((name) => answers[name].data?.[field] != null);
}

const OF_CLIENT = ["owner", "operator here", "company"];

test.each([
  ["client", '{ client(id: "thies:1") { id name email phone wallet { balance } } }', OF_CLIENT],
  ["order", `{ order(id: "${ORDER}") { id total lines { quantity } client { id } } }`, OF_CLIENT],
  [
    "transaction",
    `{ transaction(id: "${ORDER}") { id participants { state } order { id } } }`,
    ["owner", "operator here", "operator of Dakar", "company"],
  ],
  ["city", '{ city(id: "thies") { id name stock { edges { node { available } } } } }', names],
])("%s is seen by those whose it is", async (field, query, whose) => {
  expect(await whoSees(field, query)).toEqual(whose);
});

test("whose a row is not is answered as for a row that is missing", async () => {
  const missing = await askAll('{ client(id: "thies:999") { id } }');
  const foreign = await askAll('{ client(id: "thies:2") { id } }');
  for (const name of ["owner", "stranger", "operator of Dakar", "operator elsewhere"] as const) {
    expect(foreign[name]).toEqual(missing[name]);
    expect(foreign[name]).toEqual({ data: { client: null }, errors: undefined });
  }
});

test("a visitor is told what is asked of callers", async () => {
  const { visitor } = await askAll('{ client(id: "thies:1") { id } }');
  expect(visitor).toEqual({
    data: { client: null },
    errors: [
      {
        code: "UNAUTHORIZED_FIELD",
        coordinate: "Query.client",
        directive: "@policy",
        needs: [["own client"], ["own city"]],
      },
    ],
  });
});

test("rows that the gateway asks for by their keys are guarded too", async () => {
  const query =
    "query ($of: [_Any!]!) { _entities(representations: $of) { ... on Client { id } ... on Order { id } } }";
  const of = [
    { __typename: "Client", id: "thies:1" },
    { __typename: "Client", id: "thies:2" },
    { __typename: "Order", id: ORDER },
  ];
  const answers = await askAll(query, { of });
  const seen = (name: Somebody) =>
    (answers[name].data!._entities as ({ id: string } | null)[]).map((entity) => entity?.id ?? null);
  expect(seen("owner")).toEqual(["thies:1", null, ORDER]);
  expect(seen("neighbour")).toEqual([null, "thies:2", null]);
  expect(seen("operator here")).toEqual(["thies:1", "thies:2", ORDER]);
  expect(seen("visitor")).toEqual([null, null, null]);
});

test("a city's own fields are its operators', and its stock is shown to all but for the warehouse's part", async () => {
  const query = `{ city(id: "thies") {
    clients { totalCount } orders { totalCount } transactions { totalCount } health { inDoubt } replication { role }
    stock { edges { node { available onHand reserved } } }
  } }`;
  const answers = await askAll(query);
  const see = names.filter((name) => (answers[name].data!.city as { health: unknown }).health !== null);
  expect(see).toEqual(["operator here", "company"]);
  expect(answers.owner.data!.city).toEqual({
    clients: null,
    orders: null,
    transactions: null,
    health: null,
    replication: null,
    stock: { edges: [{ node: { available: 9, onHand: null, reserved: null } }] },
  });
  expect(answers["operator here"].errors).toBeUndefined();
});

test("the list of all clients has none of another city's for its operators", async () => {
  const answers = await askAll("{ clients { edges { node { id } } totalCount } }");
  const count = (name: Somebody) =>
    (answers[name].data?.clients as { totalCount: number } | null)?.totalCount;
  expect(count("operator here")).toBe(2);
  expect(count("company")).toBe(2);
  expect(count("operator of Dakar")).toBe(0);
  expect(count("owner")).toBeUndefined();
});

const typenameOf = ({ data }: Told, field: string) =>
  (data?.[field] as { __typename: string } | null)?.__typename ?? null;

test("a client is changed and paid to by those whose it is; to others it is unknown", async () => {
  const changes = await askAll(
    'mutation { updateClient(input: { id: "thies:1", name: "x" }) { __typename } }',
  );
  const pays = await askAll(
    'mutation { topUpWallet(input: { clientId: "thies:1", amount: 5 }) { __typename } }',
  );
  for (const name of names) {
    const isOwn = OF_CLIENT.includes(name);
    const unknown = name === "visitor" ? null : "UnknownClient";
    expect([name, typenameOf(changes[name], "updateClient")]).toEqual([
      name,
      isOwn ? "ClientUpdated" : unknown,
    ]);
    expect([name, typenameOf(pays[name], "topUpWallet")]).toEqual([name, isOwn ? "WalletToppedUp" : unknown]);
  }
  const [wallet] = await city.sql`select balance from wallet where client_id = 'thies:1'`;
  expect(Number(wallet!.balance)).toBe(15);
});

test("stock is added, and clients are registered, by operators of the city alone", async () => {
  const answers = await askAll(
    'mutation { restock(input: { cityId: "thies", productId: "101", quantity: 1 }) { __typename } }',
  );
  expect(names.filter((name) => typenameOf(answers[name], "restock") === "Restocked")).toEqual([
    "operator here",
    "company",
  ]);
  expect(answers["operator of Dakar"].errors).toMatchObject([
    { code: "UNAUTHORIZED_FIELD", coordinate: "Mutation.restock" },
  ]);
});

test("the messages between services are a service's", async () => {
  const answers = await askAll("mutation { prepare(transactions: []) { state } }");
  for (const name of names) {
    expect(answers[name].errors).toMatchObject([
      { code: "UNAUTHORIZED_FIELD", coordinate: "Mutation.prepare" },
    ]);
  }
});

test("a cancellation that a client asks for finds that client's orders only", async () => {
  const cancel = (clientId: string | null, count: number) => [
    {
      transactionId: `thies:01900000-0000-7000-8000-00000000001${count}`,
      orderId: ORDER,
      clientId,
      idempotencyKey: `c${count}`,
      requestHash: "h",
    },
  ];
  expect((await city.send("cancel", cancel("thies:2", 1))).states).toEqual(["UNKNOWN_ORDER"]);
  expect((await city.send("cancel", cancel("thies:1", 2))).states).toEqual(["COMMITTED"]);
});
