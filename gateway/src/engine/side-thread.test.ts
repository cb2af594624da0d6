import { readFileSync } from "node:fs";
import { GraphQLError, parse } from "graphql";
import { afterEach, expect, test, vi } from "vitest";
import { readSupergraph } from "../graph/supergraph.ts";
import { createSources } from "../sources/create-sources.ts";
import { DEFAULT_LIMITS } from "../surface/limits.ts";
import { asking } from "./fixture.ts";
import { Graph } from "./graph.ts";
import { SideThread } from "./side-thread.ts";

const sdl = readFileSync(new URL("../../../schema/generated/supergraph.graphql", import.meta.url), "utf8");
const supergraph = readSupergraph(sdl);
const graph = new Graph(supergraph, createSources(supergraph, new Map(), {}));
const terms = { limits: DEFAULT_LIMITS, hidesSchema: true };

/** Products with their cities. */
const products = (count: number) =>
  `{ ${Array.from({ length: count }, (_, at) => `p${at}: product(id: "${at}") { id stock { city { name } } }`).join(" ")} }`;

afterEach(() => vi.restoreAllMocks());

test("a large operation is planned on the side thread, a small one at once; the plans are the same", async () => {
  const aside = vi.spyOn(SideThread.prototype, "plan");
  await graph.operation(asking(products(3)));
  expect(aside).not.toHaveBeenCalled();
  const large = asking(products(50));
  await Promise.all([graph.operation(large), graph.operation(large)]);
  expect(aside).toHaveBeenCalledTimes(1);
  await expect(aside.mock.results[0]!.value).resolves.toEqual(
    JSON.parse(JSON.stringify(graph.planOf(large))),
  );
});

test("what is wrong with a text is told as it would be here", async () => {
  const [error, ...more] = await graph.sideThread.validate(`{\n  cites { name } }`, terms);
  expect(more).toEqual([]);
  expect(error).toBeInstanceOf(GraphQLError);
  expect(error!.toJSON()).toEqual({
    message: 'Cannot query field "cites" on type "Query".',
    locations: [{ line: 2, column: 3 }],
    extensions: { code: "GRAPHQL_VALIDATION_FAILED", http: { status: 400 } },
  });
  expect(await graph.sideThread.validate("{ cities { name } }", terms)).toEqual([]);
});

test("a refusal keeps its class, and the thread goes on", async () => {
  const refused = graph.sideThread.validate("{ cities", terms);
  await expect(refused).rejects.toBeInstanceOf(GraphQLError);
  await expect(graph.sideThread.plan(parse("{ cities { name } }"))).resolves.toMatchObject({
    kind: "QueryPlan",
  });
});

test("a thread that cannot begin is told, and another one is tried", async () => {
  const broken = new SideThread("no supergraph");
  await expect(broken.validate("{ a }", terms)).rejects.toThrow();
  await expect(broken.validate("{ a }", terms)).rejects.toThrow();
});
