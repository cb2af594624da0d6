/**
 * Goal: a part begins when the data that it continues from is there. Method: plans by hand, in forms rare
 * from the planner.
 */
import type { DeferredNode, FetchNode, PlanNode } from "@apollo/query-planner";
import { OperationTypeNode } from "graphql";
import { expect, test } from "vitest";
import { newContext } from "../../fixture/deferred.ts";
import type { FetchCompiler } from "../fetch-step.ts";
import { Run } from "../run.ts";
import { compileParts } from "./defer-plan.ts";
import { fetchAll } from "./defer-run.ts";
import { Fetching } from "./fetching.ts";

const fetch = (serviceName: string, id?: string): FetchNode => ({
  kind: "Fetch",
  serviceName,
  operation: "{ one { id } }",
  operationName: undefined,
  operationKind: OperationTypeNode.QUERY,
  ...(id !== undefined && { id }),
});

const deferred = (label: string, depends: string[], queryPath: string[], node?: PlanNode): DeferredNode => ({
  label,
  depends: depends.map((id) => ({ id })),
  queryPath,
  ...(node && { node }),
});

function compile(primary: PlanNode | undefined, parts: DeferredNode[]) {
  const asked: string[] = [];
  const fetches = {
    compile: ({ serviceName }: FetchNode) => ({ step: () => void asked.push(serviceName), weight: 1 }),
  } as unknown as FetchCompiler;
  const node = { kind: "Defer" as const, primary: primary ? { node: primary } : {}, deferred: parts };
  return { asked, ...compileParts({ kind: "QueryPlan", node }, { fetches, defaults: {} }) };
}

test("a part waits for what it goes on from, and for what goes on within it", () => {
  const inner = deferred("c", ["0", "1", "2"], ["one"], fetch("stock"));
  const around = { kind: "Defer" as const, primary: { node: fetch("prices", "2") }, deferred: [inner] };
  const { deferred: parts, weight } = compile(fetch("shelf", "0"), [
    deferred("a", ["0"], ["one"], fetch("prices")),
    deferred("b", ["0"], ["one"], around),
  ]);
  expect([...parts.get("a")!.awaitedFetches]).toEqual(["0"]);
  expect([...parts.get("b")!.awaitedFetches]).toEqual(["0", "1"]);
  expect([...parts.get("c")!.awaitedFetches]).toEqual(["0", "1", "2"]);
  expect(parts.get("b")!.fetchIds).toEqual(["2"]);
  expect(weight).toBe(4);
});

test("a part that names no fetch waits for all that is around it, but for one at the root", () => {
  const { deferred: parts } = compile(fetch("shelf"), [
    deferred("below", [], ["one"], fetch("prices")),
    deferred("root", [], [], fetch("stock")),
    deferred("nothing", ["0"], ["one"]),
  ]);
  expect(parts.get("below")!.awaitsParent).toBe(true);
  expect(parts.get("root")!.awaitsParent).toBe(false);
  expect(parts.get("nothing")).toMatchObject({ step: undefined, awaitedFetches: new Set() });
});

test("a fetch whose condition does not hold is over, too", async () => {
  const condition: PlanNode = { kind: "Condition", condition: "x", ifClause: fetch("prices", "1") };
  const { asked, primary } = compile({ kind: "Sequence", nodes: [fetch("shelf", "0"), condition] }, []);
  const fetching = new Fetching();
  const run = new Run({ x: false }, newContext(), fetching);
  await fetchAll(primary, run, fetching);
  await Promise.all([fetching.whenOver("0"), fetching.whenOver("1")]);
  expect(asked).toEqual(["shelf"]);
});
