/**
 * Goal: a city lists its orders, movements, transactions of both sides, recommendations and health right.
 * Method: the whole graph, asked through the gateway.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Graph, startGraph } from "./harness/graph.ts";
import { untilAtRest } from "./harness/invariants.ts";

let graph: Graph;
/** Orders in the order in which they were placed. */
const placed: { id: string; total: number }[] = [];
beforeAll(async () => {
  graph = await startGraph();
  // Of Dakar's clients, 1 buys 101 and 102, 4 buys 102 and 103, 8 buys 102. Then Thiès orders more of 101
  // than it has.
  await place("dakar:1", [
    ["101", 1],
    ["102", 1],
  ]);
  await place("dakar:4", [
    ["102", 2],
    ["103", 1],
  ]);
  await place("dakar:8", [["102", 1]]);
  await place("thies:2", [["101", 6]]);
  await untilAtRest(graph);
});
afterAll(() => graph.close());

const ask = async (query: string, variables?: Record<string, unknown>) => {
  const { data, errors } = await graph.query(query, variables);
  expect(errors).toBeUndefined();
  return data;
};

async function place(clientId: string, lines: [productId: string, quantity: number][]) {
  const input = { clientId, lines: lines.map(([productId, quantity]) => ({ productId, quantity })) };
  const { placeOrder } = await ask(
    "mutation ($input: PlaceOrderInput!) { placeOrder(input: $input) { ... on OrderPlaced { order { id total } } } }",
    { input },
  );
  placed.push(placeOrder.order);
}

type Edges = { edges: { node: { id: string; total: number } }[]; totalCount: number };
const ids = ({ edges }: Edges) => edges.map(({ node }) => node.id);

describe("orders", () => {
  const list = async (args: string): Promise<Edges> =>
    (await ask(`{ city(id: "dakar") { orders(${args}) { totalCount edges { node { id total } } } } }`)).city
      .orders;

  test("in each order", async () => {
    const dakar = placed.slice(0, 3);
    const byTime = dakar.map(({ id }) => id);
    const byTotal = dakar.toSorted((a, b) => a.total - b.total).map(({ id }) => id);
    expect(ids(await list("orderBy: PLACED_AT_ASC"))).toEqual(byTime);
    expect(ids(await list("orderBy: PLACED_AT_DESC"))).toEqual(byTime.toReversed());
    expect(ids(await list("orderBy: TOTAL_ASC"))).toEqual(byTotal);
    expect(ids(await list("orderBy: TOTAL_DESC"))).toEqual(byTotal.toReversed());
  });

  test("that a filter lets through, and their number", async () => {
    const large = await list("first: 1, filter: { totalMin: 700000 }");
    expect({ shown: large.edges.length, totalCount: large.totalCount }).toEqual({ shown: 1, totalCount: 2 });
    expect((await list('filter: { status: PLACED, placedFrom: "2020-01-01T00:00:00Z" }')).totalCount).toBe(3);
    expect((await list('filter: { placedBefore: "2020-01-01T00:00:00Z" }')).totalCount).toBe(0);
  });

  test("that are cancelled are still there, and are found by their status", async () => {
    const { id } = placed[2]!;
    await ask("mutation ($input: CancelOrderInput!) { cancelOrder(input: $input) { __typename } }", {
      input: { orderId: id },
    });
    expect(ids(await list("filter: { status: CANCELLED }"))).toEqual([id]);
    expect((await list("filter: { status: PLACED }")).totalCount).toBe(2);
    expect((await list("first: 1")).totalCount).toBe(3);
  });

  test("of a client, page by page", async () => {
    await place("dakar:11", [["104", 1]]);
    await place("dakar:11", [["105", 1]]);
    const page = async (after: string | null) =>
      (
        await ask(
          `query ($after: String) { client(id: "dakar:11") { orders(first: 1, after: $after, orderBy: PLACED_AT_ASC) {
            totalCount pageInfo { hasNextPage endCursor } edges { node { id total } }
          } } }`,
          { after },
        )
      ).client.orders;
    const first = await page(null);
    const second = await page(first.pageInfo.endCursor);
    expect([...ids(first), ...ids(second)]).toEqual(placed.slice(-2).map(({ id }) => id));
    expect([first.pageInfo.hasNextPage, second.pageInfo.hasNextPage, second.totalCount]).toEqual([
      true,
      false,
      2,
    ]);
  });
});

test("movements are the audit log of a level, newest first, and lead to what caused them", async () => {
  const { product } = await ask(`{ product(id: "101") { stock(cities: ["dakar"]) { onHand reserved
    movements(first: 10) { totalCount edges { node {
      reason onHandChange reservedChange transaction { id state home { name } order { client { name } } }
    } } }
  } } }`);
  const [{ onHand, reserved, movements }] = product.stock;
  const nodes = movements.edges.map(({ node }: { node: { reason: string } }) => node);
  expect(nodes.map(({ reason }: { reason: string }) => reason)).toEqual([
    "CONFIRMED",
    "RESERVED",
    "SOLD",
    "RESTOCKED",
  ]);
  expect(nodes[0].transaction).toEqual({
    id: placed[3]!.id,
    state: "COMMITTED",
    home: { name: "Thiès" },
    order: { client: { name: "Awa Diop" } },
  });
  const sum = (field: string) =>
    nodes.reduce((total: number, node: Record<string, number>) => total + node[field]!, 0);
  expect({ onHand, reserved }).toEqual({ onHand: sum("onHandChange"), reserved: sum("reservedChange") });
});

test("a transaction is seen from its home and from the city that gave", async () => {
  const { thies, dakar, transaction } = await ask(
    `query ($id: ID!) {
      thies: city(id: "thies") { transactions(state: COMMITTED) { totalCount edges { node {
        role kind lines { quantity } transaction { id participants { city { name } acknowledgedAt } }
      } } } }
      dakar: city(id: "dakar") { transactions(role: PARTICIPANT) { edges { node {
        transactionId state lines { quantity product { name } } transaction { home { id } } decidedAt
      } } } }
      transaction(id: $id) { state order { total } }
    }`,
    { id: placed[3]!.id },
  );
  expect(thies.transactions).toEqual({
    totalCount: 1,
    edges: [
      {
        node: {
          role: "HOME",
          kind: "ORDER",
          lines: [],
          transaction: {
            id: placed[3]!.id,
            participants: [{ city: { name: "Dakar" }, acknowledgedAt: expect.any(String) }],
          },
        },
      },
    ],
  });
  expect(dakar.transactions.edges).toEqual([
    {
      node: {
        transactionId: placed[3]!.id,
        state: "COMMITTED",
        lines: [{ quantity: 1, product: { name: "Ordinateur HP" } }],
        transaction: { home: { id: "thies" } },
        decidedAt: expect.any(String),
      },
    },
  ]);
  expect(transaction).toEqual({ state: "COMMITTED", order: { total: placed[3]!.total } });
});

test("a city at rest has nothing to finish", async () => {
  const atRest = { inDoubt: 0, oldestInDoubtAt: null, unacknowledged: 0, oldestUnacknowledgedAt: null };
  const { cities } = await ask(`{ cities { health { ${Object.keys(atRest).join(" ")} } } }`);
  for (const { health } of cities) expect(health).toEqual(atRest);
});

describe("recommendations", () => {
  const recommended = async (clientId: string, first = 5) => {
    const query =
      "query ($id: ID!, $first: Int) { client(id: $id) { recommendedProducts(first: $first) { id name } } }";
    const { client } = await ask(query, { id: clientId, first });
    return client.recommendedProducts.map(({ id }: { id: string }) => id);
  };

  test("are what most orders of the city have and the client has not bought", async () => {
    // 102 is in three orders. The others are in one each, so they come by id.
    expect(await recommended("dakar:16")).toEqual(["102", "101", "103", "104", "105"]);
    expect(await recommended("dakar:16", 1)).toEqual(["102"]);
    expect(await recommended("dakar:8")).toEqual(["101", "103", "104", "105"]);
    expect(await recommended("dakar:1")).toEqual(["103", "104", "105"]);
  });

  test("leave out what the city has none of and what is off sale", async () => {
    await graph.sql("dakar")`update stock set on_hand = 0 where product_id = '101'`;
    await ask('mutation { discontinueProduct(input: { id: "103" }) { __typename } }');
    expect(await recommended("dakar:8")).toEqual(["104", "105"]);
  });
});
