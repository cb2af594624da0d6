/**
 * Goal: no operation holds up the gateway because the planner sees too many ways. Method: an interface of
 * many types that two subgraphs share, and the thread on which a plan is made.
 */
import { afterEach, expect, test, vi } from "vitest";
import { asking, startGraph } from "../fixture/engine.ts";
import { SideThread } from "./side-thread.ts";

const KEY = `@key(fields: "id")`;

/** Two subgraphs with an interface of so many types. The second has the field `weight` more. */
function boats(count: number, peers: readonly string[] = ["peer"]) {
  const fields = (directive: string) => peers.map((peer) => `${peer}: Boat ${directive}`).join(" ");
  const sdl = (more: string) =>
    `interface Boat { id: ID! name: String ${fields("")} ${more} } ${Array.from(
      { length: count },
      (_, at) =>
        `type Boat${at} implements Boat ${KEY} { id: ID! name: String @shareable ${fields("@shareable")} ${more} }`,
    ).join(" ")}`;
  return startGraph({
    harbour: { sdl: `type Query { boat: Boat } ${sdl("")}`, resolvers: {} },
    yard: { sdl: sdl("weight: Int"), resolvers: {} },
  }).graph;
}

afterEach(() => vi.restoreAllMocks());

test("a short operation with too many ways to one field is planned on the side thread, and refused", async () => {
  const aside = vi.spyOn(SideThread.prototype, "plan");
  const graph = boats(60);
  const refused = graph.operation(asking("{ boat { weight peer { weight } } }"));
  await expect(refused).rejects.toMatchObject({
    extensions: { code: "OPERATION_LIMIT_EXCEEDED", limit: "ways" },
  });
  expect(aside).toHaveBeenCalledTimes(1);
});

test("fields with few ways, and those that every subgraph of the interface has, are planned at once", async () => {
  const aside = vi.spyOn(SideThread.prototype, "plan");
  await boats(60).operation(asking("{ boat { id name } }"));
  await boats(3).operation(asking("{ boat { weight peer { weight } } }"));
  expect(aside).not.toHaveBeenCalled();
});

test("many fields with few ways each count together: 70 of them took 0.9 s on the thread that answers", async () => {
  const peers = Array.from({ length: 70 }, (_, at) => `peer${at}`);
  const graph = boats(2, peers);
  const aside = vi.spyOn(SideThread.prototype, "plan").mockRejectedValue(new Error("aside"));
  const asked = `{ boat { ${peers.map((peer) => `${peer} { weight }`).join(" ")} } }`;
  await expect(graph.operation(asking(asked))).rejects.toThrow("aside");
  expect(aside).toHaveBeenCalledTimes(1);
});
