/**
 * Goal: the gateway answers as stock `@apollo/gateway` does, letter by letter, on every topic of federation;
 * where stock is wrong, it gives the answer that is written down. Method: small graphs of our own.
 * `npm run audit` runs the public audit's cases (docs/audit.md).
 */
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Answer, type AuditedGateway, ask, startAudited } from "./gateways.ts";
import { type AuditCase, type AuditGraph, type ServedGraph, serveGraph } from "./graph.ts";
import { abstractTypes } from "./graphs/abstract-types.ts";
import { entities } from "./graphs/entities.ts";
import { external } from "./graphs/external.ts";
import { interfaceObjects } from "./graphs/interface-objects.ts";
import { intersections } from "./graphs/intersections.ts";
import { operations } from "./graphs/operations.ts";
import { override } from "./graphs/override.ts";
import { provides } from "./graphs/provides.ts";
import { requires } from "./graphs/requires.ts";
import { requiresApart } from "./graphs/requires-apart.ts";
import { requiresArguments } from "./graphs/requires-arguments.ts";
import { resolvableKeys } from "./graphs/resolvable-keys.ts";
import { unions } from "./graphs/unions.ts";

const graphs: Record<string, AuditGraph> = {
  abstractTypes,
  entities,
  external,
  interfaceObjects,
  intersections,
  operations,
  override,
  provides,
  requires,
  requiresApart,
  requiresArguments,
  resolvableKeys,
  unions,
};

describe.each(Object.entries(graphs))("%s", (_name, graph) => {
  let served: ServedGraph;
  let ours: AuditedGateway;
  let apollo: AuditedGateway;
  let stock: AuditedGateway;

  beforeAll(async () => {
    served = await serveGraph(graph);
    ours = await startAudited("ours", served.supergraphSdl);
    apollo = await startAudited("apollo", served.supergraphSdl);
    stock = await startAudited("stock", served.supergraphSdl);
  });
  afterAll(async () => {
    await ours?.close();
    await apollo?.close();
    await stock?.close();
    await served?.close();
  });

  test.each(graph.cases)("$shows", async (auditCase) => {
    const { query, variables } = auditCase;
    // One gateway after the other, because some questions are mutations.
    const own = await ask(ours.url, query, variables);
    const borrowed = await ask(apollo.url, query, variables);
    const reference = await ask(stock.url, query, variables);
    check("stock", reference, auditCase);
    expect(JSON.stringify(borrowed.data), "GATEWAY_ENGINE=apollo").toBe(JSON.stringify(reference.data));
    check("ours", own, auditCase);
    const { differs = {} } = auditCase;
    if (differs.ours === undefined && differs.stock === undefined)
      expect(JSON.stringify(own.data)).toBe(JSON.stringify(reference.data));
  });
});

function check(
  name: "ours" | "stock",
  answer: Answer,
  { expected, errors = false, differs }: AuditCase,
): void {
  if (differs?.[name] !== undefined) {
    expect(isDeepStrictEqual(answer.data, expected!.data), `${name} is no longer wrong`).toBe(false);
  } else if (expected) expect(answer.data ?? null).toEqual(expected.data);
  else expect(Object.values(answer.data ?? {}).some((value) => value !== null)).toBe(true);
  if (errors !== "either")
    expect((answer.errors ?? []).length > 0, JSON.stringify(answer.errors)).toBe(errors);
}
