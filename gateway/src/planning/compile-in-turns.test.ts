/**
 * Goal: a new operation is walked through only in turns, whether it is answered at once or in parts. Outside
 * of turns, other requests would have to wait. Method: a field's selections note each access, and whether it
 * happens in a turn.
 */
import type { ApolloServerPlugin } from "@apollo/server";
import { type DocumentNode, type FieldNode, getOperationAST, parse } from "graphql";
import { afterEach, expect, test, vi } from "vitest";
import { readDocuments } from "../door/document-reader.ts";
import { startGraph } from "../fixture/engine.ts";
import { DEFAULT_LIMITS } from "../ground/limits.ts";
import { onThisThread } from "../ground/turns.ts";
import type { RequestContext } from "../sources/request-context.ts";
import type { SideThread } from "./side-thread.ts";

const { graph } = startGraph({
  shop: {
    sdl: "type Query { product: Product } type Product { id: ID! name: String price: Int }",
    resolvers: {},
  },
});

afterEach(() => {
  vi.restoreAllMocks();
});

/** @returns the document, and counts of accesses to its first field's selections in turns and outside */
function watched(text: string) {
  let isTurn = false;
  const next = onThisThread.next.bind(onThisThread);
  vi.spyOn(onThisThread, "next").mockImplementation((size, work) =>
    next(size, () => {
      isTurn = true;
      try {
        return work();
      } finally {
        isTurn = false;
      }
    }),
  );
  const looks = { inTurns: 0, outside: 0 };
  const document: DocumentNode = parse(text, { noLocation: true });
  const field = getOperationAST(document)!.selectionSet.selections[0] as FieldNode;
  const { selectionSet } = field;
  Object.defineProperty(field, "selectionSet", {
    enumerable: true,
    get() {
      looks[isTurn ? "inTurns" : "outside"]++;
      return selectionSet;
    },
  });
  return { asked: { document, operationName: undefined, variables: {} }, looks };
}

test.each([
  ["at once", "{ product { id name } }"],
  ["in parts", "{ product { id ... @defer { name } } }"],
  ["in parts, but nothing of it is deferred", "{ product { id ... @defer(if: false) { price } } }"],
])("an operation that is answered %s", async (_, text) => {
  const { asked, looks } = watched(text);
  await graph.operationInParts(asked);
  await graph.operation(asked);
  expect(looks.outside).toBe(0);
  expect(looks.inTurns).toBeGreaterThan(0);
  const before = looks.inTurns;
  await graph.operationInParts(asked);
  await graph.operation(asked);
  expect(looks).toEqual({ inTurns: before, outside: 0 });
});

test("a document that the side thread has validated is kept in a turn", async () => {
  const gate = Promise.withResolvers<void>();
  const sideThread = {
    async validate() {
      void onThisThread.next(0, () => gate.promise);
      return [];
    },
  };
  const terms = { limits: DEFAULT_LIMITS, hidesSchema: true, rules: [] };
  const plugin: ApolloServerPlugin<RequestContext> = readDocuments({
    ...terms,
    sideThreadOf: () => sideThread as unknown as SideThread,
  });
  const source = `{ product { id } } # ${"long ".repeat(1_000)}`;
  const request = { schema: graph.apiSchema, source, queryHash: "hash" } as never;
  const listener = await plugin.requestDidStart!(request);
  let isRead = false;
  const reading = listener!.didResolveSource!(request).then(() => {
    isRead = true;
  });
  try {
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
    expect(isRead).toBe(false);
  } finally {
    gate.resolve();
  }
  await reading;
  expect(isRead).toBe(true);
});
