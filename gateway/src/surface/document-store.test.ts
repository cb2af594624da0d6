import { parse } from "graphql";
import { expect, test } from "vitest";
import { createDocumentStore, documentBytes } from "./document-store.ts";

test("documents are kept, and forgotten", async () => {
  const store = createDocumentStore()!;
  const document = parse("{ a }");
  await store.set("key", document);
  expect(await store.get("key")).toBe(document);
  expect(await store.get("other")).toBeUndefined();
  await store.delete("key");
  expect(await store.get("key")).toBeUndefined();
});

test("a document weighs what it holds on to: a long text, and tokens that are comments", async () => {
  const plain = documentBytes(parse("{ a }"));
  expect(documentBytes(parse(`{ a } ${" ".repeat(10_000)}`))).toBeGreaterThan(plain + 10_000);
  expect(documentBytes(parse(`{ a } ${"#\n".repeat(10_000)}`))).toBeGreaterThan(plain + 1_000_000);
});

test("giants are not kept, and many small ones drive the oldest out", async () => {
  const store = createDocumentStore()!;
  await store.set("giant", parse(`{ a } ${"#\n".repeat(10_000)}`));
  expect(await store.get("giant")).toBeUndefined();
  const text = `{ a } ${"#\n".repeat(2_000)}`;
  for (let number = 0; number < 200; number++) await store.set(`${number}`, parse(text));
  expect(await store.get("0")).toBeUndefined();
  expect(await store.get("199")).toBeDefined();
});
