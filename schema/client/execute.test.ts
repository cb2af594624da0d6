/**
 * Goal: the typed client speaks GraphQL over HTTP, and the document decides the types. Method: a small
 * server, and lines that must not compile.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { parse, print } from "graphql";
import { afterAll, beforeAll, beforeEach, describe, expect, expectTypeOf, test } from "vitest";
import type { Currency } from "../generated/client/graphql.ts";
import { Cities, PlaceOrder, ShopWindow } from "./documents.ts";
import { execute, NoAnswerError } from "./execute.ts";

/** Records the requests and gives the answer that the test sets. */
let server: Server;
let url: string;
let received: { query: string; variables?: unknown }[] = [];
let reply: { status?: number; body: string };

beforeAll(async () => {
  server = createServer(async (request, response) => {
    received.push(JSON.parse(await text(request)));
    response.writeHead(reply.status ?? 200).end(reply.body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  received = [];
});

describe("over the wire", () => {
  test("the document and its variables go out, the data comes back", async () => {
    const cities = [{ id: "thies", name: "Thiès" }, null];
    reply = { body: JSON.stringify({ data: { cities } }) };
    expect(await execute(url, Cities)).toEqual({ data: { cities }, errors: [] });
    await execute(url, ShopWindow, { first: 3 });
    expect(received).toEqual([
      { query: print(Cities) },
      { query: print(ShopWindow), variables: { first: 3 } },
    ]);
    expect(parse(received[1]!.query)).toBeDefined();
  });

  test("data and errors come together; errors alone, with whatever status, are an answer", async () => {
    const errors = [
      { message: "first: must be from 1 to 100", extensions: { code: "BAD_USER_INPUT", field: "first" } },
    ];
    reply = { body: JSON.stringify({ data: { cities: [null] }, errors }) };
    expect(await execute(url, Cities)).toEqual({ data: { cities: [null] }, errors });
    reply = { status: 400, body: JSON.stringify({ errors }) };
    expect(await execute(url, ShopWindow, { first: 0 })).toEqual({ data: null, errors });
  });

  test.each(["<html>", "", "null", "[]", "{}", '"data"', "7"])("no answer: the body is %j", async (body) => {
    reply = { body };
    await expect(execute(url, Cities)).rejects.toThrow(NoAnswerError);
  });

  test("no answer: nobody listens", async () => {
    await expect(execute("http://127.0.0.1:9/graphql", Cities)).rejects.toThrow(NoAnswerError);
  });
});

describe("types", () => {
  test("follow the document", () => {
    type Shop = NonNullable<Awaited<ReturnType<typeof executeShop>>["data"]>;
    const executeShop = () => execute(url, ShopWindow, { first: 1 });
    expectTypeOf<Shop["products"]["edges"][number]["node"]["price"]>().toEqualTypeOf<number>();
    expectTypeOf<Shop["products"]["edges"][number]["node"]["currency"]>().toEqualTypeOf<Currency>();
    expectTypeOf<Currency>().toEqualTypeOf<"XOF">();
  });

  test("tell the outcomes of an order apart by their names", () => {
    const executeOrder = () => execute(url, PlaceOrder, { input: { clientId: "thies:2", lines: [] } });
    type Outcome = NonNullable<NonNullable<Awaited<ReturnType<typeof executeOrder>>["data"]>["placeOrder"]>;
    expectTypeOf<Outcome["__typename"]>().toEqualTypeOf<
      | "OrderPlaced"
      | "OutOfStock"
      | "UnknownClient"
      | "UnknownProducts"
      | "DiscontinuedProducts"
      | "PriceChanged"
      | "SplitLimitExceeded"
      | "PaymentDeclined"
      | "IdempotencyKeyReused"
      | "OutcomeUnknown"
    >();
    expectTypeOf<
      Extract<Outcome, { __typename: "OutOfStock" }>["shortages"][number]["requested"]
    >().toEqualTypeOf<number>();
  });

  test("refuse what the schema refuses", () => {
    const wrong = () => [
      // @ts-expect-error the document has a variable that must be given
      execute(url, ShopWindow),
      // @ts-expect-error a number of rows is no text
      execute(url, ShopWindow, { first: "3" }),
      // @ts-expect-error the document has no variables
      execute(url, Cities, { first: 3 }),
      // @ts-expect-error there is no such way of paying
      execute(url, PlaceOrder, { input: { clientId: "thies:2", lines: [], payment: "BARTER" } }),
    ];
    expect(wrong).toBeTypeOf("function");
  });
});

test("the manifest has each operation as the client sends it, under its hash", async () => {
  const file = new URL("../generated/client/persisted-query-manifest.json", import.meta.url);
  const { operations } = JSON.parse(await readFile(file, "utf8")) as {
    operations: { id: string; name: string; type: string; body: string }[];
  };
  expect(operations).toEqual(
    [Cities, PlaceOrder, ShopWindow].map((document) => {
      const body = print(document);
      const [, type, name] = /^(\w+) (\w+)/.exec(body)!;
      return { id: createHash("sha256").update(body).digest("hex"), name, type, body };
    }),
  );
});
