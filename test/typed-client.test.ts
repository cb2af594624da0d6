/** Goal: the example of the typed client works. Method: it is run against the whole graph. */
import { runExample } from "@teranga/schema/client/example.ts";
import { NoAnswerError } from "@teranga/schema/client/execute.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Graph, startGraph } from "./harness/graph.ts";

let graph: Graph;

beforeAll(async () => {
  graph = await startGraph();
});
afterAll(() => graph?.close());

/** The output of the example, without the spaces of French number format. */
async function said(url: string, idempotencyKey: string): Promise<string[]> {
  const lines: string[] = [];
  await runExample(url, idempotencyKey, (line) => lines.push(line.replaceAll(/(?<=\d)\s(?=\d)/g, "")));
  return lines;
}

test("it sees the cities and the shop, and its order is split over two cities; again with the same key it is the same", async () => {
  const lines = await said(graph.url, "first");
  expect(lines).toEqual([
    "Cities: Dakar, Thiès, Saint-Louis, Autres",
    "The first 5 of 50 products:",
    "  101  Ordinateur HP: 450000 XOF, 20 available",
    "  102  Smartphone Samsung: 350000 XOF, 50 available",
    "  103  Casque Bluetooth: 75000 XOF, 30 available",
    "  104  Tablette iPad: 600000 XOF, 15 available",
    "  105  Disque Dur Externe: 55000 XOF, 40 available",
    expect.stringMatching(/^Order thies:[0-9a-f-]{36} over 2700000 XOF:$/),
    "  1 from Dakar",
    "  5 from Thiès",
  ]);
  expect((await said(graph.url, "first")).slice(7)).toEqual(lines.slice(7));
});

test("it says what is short when there is too little", async () => {
  await said(graph.url, "second");
  await said(graph.url, "third");
  expect((await said(graph.url, "fourth")).at(-1)).toBe("  Ordinateur HP: 6 wanted, 2 available");
});

test("it goes on without a city that does not answer, and says so", async () => {
  await graph.stopCity("saint-louis");
  const lines = await said(graph.url, "first");
  await graph.startCity("saint-louis");
  expect(lines).toContainEqual(expect.stringMatching(/^! CITY_UNAVAILABLE: /));
  expect(lines).toContain("Cities: Dakar, Thiès, (one does not answer), Autres");
  expect(lines).toContainEqual(expect.stringMatching(/^ {2}102 .* available \(without saint-louis\)$/));
});

test("without a gateway it says so at once", async () => {
  await expect(said("http://127.0.0.1:9/graphql", "fifth")).rejects.toThrow(NoAnswerError);
});
