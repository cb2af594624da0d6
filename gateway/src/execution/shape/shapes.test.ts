/**
 * Goal: what clients can make the gateway compile is bounded. Method: operations that need as much code as
 * the limits allow.
 */
import { buildSchema, parse } from "graphql";
import { expect, test, vi } from "vitest";
import { inlinedOperation } from "../../ground/documents.ts";
import { ShapeCompiler } from "./shape.ts";
import { ShapeRun } from "./shape-run.ts";
import { MEMBER_BYTES, ShapeCache } from "./shapes.ts";

const schema = buildSchema("type Query { self: Query id: ID }");
const FIELDS = 4_000;

function compile(): { compiler: ShapeCompiler; shape: ReturnType<ShapeCompiler["compileRoot"]> } {
  const fields = Array.from({ length: FIELDS }, (_, index) => `f${index}: id`).join(" ");
  const { selectionSet } = inlinedOperation(parse(`{ self { ${fields} } }`));
  const compiler = new ShapeCompiler(schema, {});
  return { compiler, shape: compiler.compileRoot(schema.getQueryType()!, selectionSet) };
}

test("a shape is weighed by what was compiled when it was used, and there are no more than fit", () => {
  const cache = new ShapeCache();
  const fitting = Math.floor((64 * 1024 * 1024) / (FIELDS * MEMBER_BYTES));
  const made = vi.fn(compile);
  const use = (index: number) => cache.get(String(index), made)({ self: {} }, new ShapeRun("once"));
  for (let index = 0; index < fitting + 5; index++) expect(use(index)).toHaveProperty("self.f0", null);
  expect(made).toHaveBeenCalledTimes(fitting + 5);
  made.mockClear();
  use(fitting + 4);
  expect(made).not.toHaveBeenCalled();
  for (let index = 0; index < fitting + 5; index++) use(index);
  expect(made.mock.calls.length).toBeGreaterThanOrEqual(5);
});
