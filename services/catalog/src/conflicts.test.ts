/** Conflicts in the graph: what they tell, and how a person ends them. */
import { expect, test } from "vitest";
import { useTwoNodes } from "./merge/testing.ts";

const { sql, send, takeStatements, ask, conflictsOf, resolve, renameAtBoth } = useTwoNodes();

test("two names given at once: the first stays, and the conflict tells both and waits for a person", async () => {
  const { other, conflict } = await renameAtBoth();
  expect(await conflictsOf("7")).toEqual({
    name: "Moniteur",
    conflicts: [
      {
        id: expect.stringMatching(/^Product:7:name:catalog:[0-9]+$/),
        field: "name",
        base: "Écran",
        strategy: "MANUAL",
        status: "OPEN",
        reason:
          'What was there first stays until a person chooses: "Moniteur" of catalog. Without knowing of it, thies wrote "Grand écran".',
        resolvedAt: null,
        winner: {
          id: expect.stringMatching(/^catalog:/),
          value: "Moniteur",
          node: "catalog",
          at: expect.any(String),
        },
        losers: [{ id: other, value: "Grand écran", node: "thies", at: "2026-02-01T10:00:00.000Z" }],
        product: { id: "7" },
        supplier: null,
      },
    ],
  });
  const { conflicts } = await ask(`{ conflicts(status: OPEN) { id } }`);
  expect(conflicts).toEqual([{ id: conflict.id }]);
  expect((await ask(`{ conflicts(status: RESOLVED) { id } }`)).conflicts).toEqual([]);
});

test.each([
  ["the node", () => ({ chosenVersion: "thies" }), "Grand écran"],
  ["the version", (other: string) => ({ choose: other }), "Grand écran"],
  ["the node whose value it is already", () => ({ chosenVersion: "catalog" }), "Moniteur"],
  ["another value", () => ({ value: "  Écran 4K " }), "Écran 4K"],
])("a person chooses by %s, and may say so again", async (_what, choice, name) => {
  const { other, conflict } = await renameAtBoth();
  const resolved = { __typename: "ConflictResolved", conflict: { id: conflict.id, status: "RESOLVED" } };
  expect(await resolve({ id: conflict.id, ...choice(other) })).toEqual(resolved);
  expect(await resolve({ id: conflict.id, ...choice(other) })).toEqual(resolved);
  expect(await conflictsOf("7")).toMatchObject({ name, conflicts: [{ status: "RESOLVED" }] });
  const { product } = await ask(
    `{ product(id: "7") { history(first: 2) { kind node fields { field value } } } }`,
  );
  expect(product).toMatchObject({
    history: [{ kind: "RESOLUTION", node: "catalog", fields: [{ field: "name", value: name }] }, {}],
  });
});

test("any change that takes part in a conflict names it", async () => {
  const { other, conflict } = await renameAtBoth();
  expect(await resolve({ id: `Product:7:name:${other}`, chosenVersion: "thies" })).toMatchObject({
    __typename: "ConflictResolved",
    conflict: { id: conflict.id },
  });
});

test("a choice after another one, or after an edit, changes nothing", async () => {
  const first = (await renameAtBoth()).conflict;
  await resolve({ id: first.id, chosenVersion: "thies" });
  expect(await resolve({ id: first.id, chosenVersion: "catalog" })).toEqual({
    __typename: "ConflictEndedOtherwise",
    message: "Another value has followed since.",
    conflict: { id: first.id, status: "RESOLVED" },
  });
  expect((await conflictsOf("7")).name).toBe("Grand écran");
});

test("an edit by somebody who sees both values supersedes an open conflict", async () => {
  const { conflict } = await renameAtBoth();
  await sql`update product set name = 'Autre' where id = '7'`;
  expect((await conflictsOf("7")).conflicts).toMatchObject([{ status: "SUPERSEDED" }]);
  expect(await resolve({ id: conflict.id, chosenVersion: "thies" })).toMatchObject({
    __typename: "ConflictEndedOtherwise",
    conflict: { status: "SUPERSEDED" },
  });
});

test("choices that cannot be: no conflict, no version, a name that is taken", async () => {
  const { conflict } = await renameAtBoth();
  for (const id of ["", "x", "Product:7:name:mbour:1", "Product:7:price:thies:1", "x".repeat(900)])
    expect(await resolve({ id, chosenVersion: "thies" })).toMatchObject({ __typename: "UnknownConflict" });
  expect(await resolve({ id: conflict.id, chosenVersion: "mbour" })).toMatchObject({
    __typename: "ConflictVersionGone",
    message: "The conflict has no such version.",
  });
  expect(await resolve({ id: conflict.id, value: "CLAVIER" })).toMatchObject({
    __typename: "ProductNameTaken",
    product: { id: "8" },
  });
  expect((await conflictsOf("7")).conflicts).toMatchObject([{ status: "OPEN" }]);
});

test.each([
  [{}, "input"],
  [{ choose: "thies:1", value: "x" }, "input"],
  [{ value: "" }, "input.value"],
  [{ value: "a\nb" }, "input.value"],
])("the choice %j is refused", async (choice, field) => {
  const { conflict } = await renameAtBoth();
  const { errors } = await send(
    "mutation ($input: ResolveConflictInput!) { resolveConflict(input: $input) { __typename } }",
    { input: { id: conflict.id, ...choice } },
  );
  expect(errors).toMatchObject([{ extensions: { code: "BAD_USER_INPUT", field } }]);
});

test("a page of products with suppliers, histories and conflicts is one statement each", async () => {
  await sql`update product set supplier_id = '1'`;
  await renameAtBoth();
  takeStatements();
  await ask(
    `{ products { edges { node { supplier { name conflicts { id } } history(first: 3) { id } conflicts { id } } } } }`,
  );
  // The driver asks for types on each new connection.
  const statements = takeStatements().filter((text) => !text.includes("pg_type"));
  expect(
    statements
      .map((text) => / from (?:unnest.* )?(product|supplier|conflict|operation) /.exec(text)?.[1])
      .sort(),
  ).toEqual(["conflict", "conflict", "operation", "product", "supplier"]);
});
