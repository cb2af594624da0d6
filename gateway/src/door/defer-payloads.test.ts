/**
 * Goal: the right payloads for parts that fail, and for clients that have gone. Method: the plugin over
 * services in this process.
 */
import { HeaderMap } from "@apollo/server";
import { ERROR_CODES } from "@teranga/kit/graphql/errors.ts";
import { logFaults } from "@teranga/kit/http/masked-errors.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import { parse } from "graphql";
import { afterEach, expect, test } from "vitest";
import { asked, failing, graph, holdPrices, newContext } from "../fixture/deferred.ts";
import { AnswerRoom, type Holding } from "../ground/answer-room.ts";
import type { RequestContext } from "../sources/request-context.ts";
import { createFormatError, isFaultOf } from "./client-errors.ts";
import { deliverDeferred } from "./defer-delivery.ts";

const lines: Record<string, unknown>[] = [];
const log = createLogger("test", "info", { write: (line) => void lines.push(JSON.parse(line)) });
const isOurs = () => true;
const plugin = deliverDeferred({
  formatError: createFormatError(isOurs),
  faults: logFaults<RequestContext>((context) => context.log, isFaultOf(isOurs)),
  runningOn: () => ({ engine: graph, network: newContext().network }),
});

afterEach(() => {
  failing.clear();
  lines.length = 0;
  asked.length = 0;
});

// biome-ignore lint/suspicious/noExplicitAny: tests look at payloads of every shape
type Payload = any;

interface Payloads {
  first: Payload;
  rest: AsyncGenerator<Payload>;
  context: RequestContext & { holding: Holding };
}

async function payloadsOf(query: string): Promise<Payloads> {
  const context = { ...newContext(), log, holding: new AnswerRoom({}).begin() };
  const headers = new HeaderMap([["accept", "multipart/mixed; incrementalSpec=v0.2"]]);
  const request = {
    schema: graph.apiSchema,
    document: parse(query),
    queryHash: query,
    request: { query, http: { headers } },
    contextValue: context,
  };
  const listener = await plugin.requestDidStart!(request as never);
  const response = await (listener as Payload).responseForOperation(request);
  return { first: response.body.initialResult, rest: response.body.subsequentResults, context };
}

test("a part that is null is completed by its errors, and told of as any answer's", async () => {
  failing.add("prices of 2");
  const { rest, context } = await payloadsOf("{ things { id ... @defer { price } } }");
  const fault = { code: "INTERNAL_SERVER_ERROR" };
  const { value } = await rest.next();
  expect(JSON.parse(JSON.stringify(value))).toEqual({
    incremental: [
      { id: "0", data: { price: 100 } },
      { id: "2", data: { price: 300 } },
    ],
    completed: [
      { id: "0" },
      {
        id: "1",
        errors: [
          { message: ERROR_CODES.INTERNAL_SERVER_ERROR, path: ["things", 1, "price"], extensions: fault },
        ],
      },
      { id: "2" },
    ],
    hasNext: false,
  });
  expect(context.record.errors).toEqual(new Map([["INTERNAL_SERVER_ERROR", 1]]));
  expect(lines.filter(({ msg }) => msg === "an operation failed on a fault of ours")).toHaveLength(1);
});

test.each<[string, (holding: Holding, rest: AsyncGenerator<Payload>) => unknown]>([
  ["between two parts", (_, rest) => rest.return(undefined)],
  ["while a part is awaited", (holding, rest) => [rest.next(), holding.end(), rest.return(undefined)]],
  ["before any part is asked for", (holding) => holding.end()],
])("after a client has gone %s, nothing else is asked for it", async (_, goes) => {
  const release = holdPrices();
  const { first, rest, context } = await payloadsOf(
    "{ one { name ... @defer { weight } ... @defer { freight } } }",
  );
  expect(first.pending).toHaveLength(2);
  await rest.next();
  goes(context.holding, rest);
  release();
  await expect.poll(() => asked.filter(({ subgraph }) => subgraph === "prices")).toHaveLength(1);
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(asked.filter(({ query }) => query.includes("freight"))).toEqual([]);
  expect(lines).toEqual([]);
});
