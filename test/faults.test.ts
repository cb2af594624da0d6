/**
 * Goal: the client and the logs say the right things about a fault, under one request id. Method: a column
 * that is renamed, and a database that is away.
 */
import { PassThrough } from "node:stream";
import { createLogger } from "@teranga/kit/process/log.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Graph, startGraph } from "./harness/graph.ts";

let graph: Graph;
let logged = "";
beforeAll(async () => {
  const destination = new PassThrough();
  destination.on("data", (text) => {
    logged += text;
  });
  graph = await startGraph({ log: createLogger("test", "error", destination) });
});
afterAll(() => graph.close());

async function ask(query: string, requestId: string) {
  const response = await fetch(graph.url, {
    method: "POST",
    headers: { "content-type": "application/json", "x-request-id": requestId },
    body: JSON.stringify({ query }),
  });
  return (await response.json()) as { data: unknown; errors: { message: string; extensions: object }[] };
}

test("a fault of a city is masked, and its cause is logged with the request's id", async () => {
  await graph.sql("dakar")`alter table client rename column phone to telephone`;
  const { data, errors } = await ask(
    '{ a: client(id: "dakar:1") { name } b: client(id: "thies:2") { name } }',
    "fault-1",
  );
  expect(data).toEqual({ a: null, b: { name: "Awa Diop" } });
  expect(errors.map(({ extensions }) => extensions)).toEqual([{ code: "INTERNAL_SERVER_ERROR" }]);
  expect(errors[0]!.message).not.toContain("phone");
  const lines = logged.split("\n").filter((line) => line.includes("fault-1"));
  expect(lines.join("\n")).toContain('column \\"phone\\" does not exist');
  await graph.sql("dakar")`alter table client rename column telephone to phone`;
});

test("a city whose database is away is unavailable, by name", async () => {
  graph.databaseProxy("dakar").set("refusing");
  const { data, errors } = await ask(
    '{ a: client(id: "dakar:1") { name } b: client(id: "thies:2") { name } }',
    "away-1",
  );
  expect(data).toEqual({ a: null, b: { name: "Awa Diop" } });
  expect(errors).toMatchObject([{ path: ["a"], extensions: { code: "CITY_UNAVAILABLE", city: "dakar" } }]);
});
