/**
 * Goal: composition reports each fault of the subgraphs in a line that names the field. Method: one slip
 * each.
 */
import { readFileSync } from "node:fs";
import { StartupError } from "@teranga/kit/process/config.ts";
import { expect, test } from "vitest";
import { composeChecked } from "./compose-checked.ts";

const read = (name: string) =>
  readFileSync(new URL(`../../../schema/${name}.graphql`, import.meta.url), "utf8");

/** Composes the project's subgraphs with `text` replaced by `other` in the SDL of the cities. */
function compose(text = "", other = "") {
  const subgraphs = ["catalog", "city", "orders"].map((name) => {
    const sdl = read(name);
    if (name === "city" && !sdl.includes(text)) throw new Error(`it has no ${text}`);
    return { name, url: `http://${name}/`, sdl: name === "city" ? sdl.replace(text, other) : sdl };
  });
  return composeChecked(subgraphs);
}

test("the project's subgraphs compose", () => {
  expect(compose().supergraphSdl).toContain("join__Graph");
});

/** What `Query.order` says before its route. */
const ORDER = `): Order
    @policy(policies: [["own client"], ["own city"]])
    `;

test.each([
  [
    "a root field without a route",
    `${ORDER}@partition(by: "id")`,
    ORDER,
    /^The partition spec cannot be carried out:\n {2}Query\.order of the partitioned subgraph "city" needs @partition\(by:\), @gather or @merge$/,
  ],
  [
    "a route by an argument that there is not",
    `${ORDER}@partition(by: "id")`,
    `${ORDER}@partition(by: "orderId")`,
    /^The partition spec cannot be carried out:\n {2}Query\.order .* has no argument "orderId" to route by$/,
  ],
  [
    "a type that is not there",
    ORDER,
    ORDER.replace("Order", "Ordre"),
    /^The subgraphs do not fit together:\n {2}\[city\] .*Ordre/,
  ],
  ["no GraphQL", "type Order ", "type type Order ", /^schema\/city\.graphql:\d+:\d+: Syntax Error: /],
])("%s is a line that says where", (_name, text, other, words) => {
  let fault: unknown;
  try {
    compose(text, other);
  } catch (error) {
    fault = error;
  }
  expect(fault).toBeInstanceOf(StartupError);
  expect((fault as Error).message).toMatch(words);
});
