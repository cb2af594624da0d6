/**
 * Goal: the manifest lists operations by name with their fragments, and refuses other documents. Method:
 * generated texts made up for the test.
 */
import { parse } from "graphql";
import { expect, test } from "vitest";
import { persistedQueryManifest } from "./manifest.ts";

const generated = (...texts: string[]) =>
  texts
    .map((text, index) => {
      const json = JSON.stringify(parse(text, { noLocation: true }));
      return `export const D${index}Document = ${json} as unknown as DocumentNode<A, B>;\n`;
    })
    .join("");

test("operations stand there by name, with their fragments", () => {
  const { operations } = JSON.parse(
    persistedQueryManifest(generated("mutation B { b }", "query A { ...f } fragment f on Query { a }")),
  );
  expect(operations).toMatchObject([
    { name: "A", type: "query", body: "query A {\n  ...f\n}\n\nfragment f on Query {\n  a\n}" },
    { name: "B", type: "mutation", body: "mutation B {\n  b\n}" },
  ]);
});

test.each([
  ["nothing", ""],
  ["an operation without a name", generated("{ a }")],
  ["two operations in one document", generated("query A { a } query B { b }")],
  ["a fragment alone", generated("fragment f on Query { a }")],
])("%s is refused", (_, text) => {
  expect(() => persistedQueryManifest(text)).toThrow();
});
