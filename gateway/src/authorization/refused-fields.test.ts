/**
 * Goal: nobody is answered what is not theirs, by any way through the graph, and everybody the rest. Method:
 * the ways that have been holes of other gateways, each with the answer that is right.
 */
import { type Identity, VISITOR } from "@teranga/kit/identity/identity.ts";
import { parse } from "graphql";
import { expect, test } from "vitest";
import { CLIENT, COMPANY, OPERATOR, startGuarded } from "../fixture/guarded.ts";

const guarded = startGuarded();
const { asked, graph } = guarded;

/** The answer, with the errors as `path coordinate`. Every error is a refusal. */
async function answerOf(
  identity: Identity,
  query: string,
  variables?: Record<string, unknown>,
  on = guarded,
) {
  const { data, errors } = await on.askAs(identity, query, variables);
  const refused = errors.map(({ path = [], extensions }) => {
    expect(extensions?.code).toBe("UNAUTHORIZED_FIELD");
    return `${path.join(".")} ${extensions?.coordinate}`;
  });
  return { data, refused };
}

/** Everything that was asked of services. */
const sent = () => asked.map(({ query }) => query).join(" ");

test("a refused field is null, with its place and what it asks for, and is not fetched", async () => {
  const { data, errors } = await guarded.askAs(VISITOR, "{ people { id mail: email } free }");
  expect(data).toEqual({ people: ["1", "2", "3"].map((id) => ({ id, mail: null })), free: 1 });
  expect(errors).toHaveLength(3);
  expect(errors[1]).toEqual({
    message: "You may not ask for Person.email.",
    path: ["people", 1, "mail"],
    extensions: {
      code: "UNAUTHORIZED_FIELD",
      coordinate: "Person.email",
      directive: "@policy",
      needs: [["own client"], ["own city"]],
    },
  });
  expect(sent()).not.toContain("email");
  expect((await answerOf(CLIENT, "{ people { id mail: email } }")).data.people[1].mail).toBe("2@example.sn");
});

const ALL = ["visitor", "client", "city-operator", "company-operator"];
const WHO = new Map([VISITOR, CLIENT, OPERATOR, COMPANY].map((identity) => [identity.role, identity]));
test.each([
  ["a field", "{ guarded }", ["visitor"]],
  ["a policy", "{ person { email } }", ["visitor"]],
  ["scopes", "{ person { card { number } } }", ["visitor", "client", "city-operator"]],
  ["the type of a value", "{ wallet { balance } }", ["visitor"]],
  ["an enum", "{ person { grade } }", ["visitor", "client", "city-operator"]],
  ["a scalar", "{ person { secret } }", ["visitor"]],
  ["an interface's field, by a type of it", "{ node { name } }", ["visitor"]],
  ["another type of that interface", "{ tool { name } }", []],
  ["an interface that a type of it is asked by", "{ tool { ... on Node { name } } }", ["visitor"]],
  ["a type of a union", "{ anything { ... on Wallet { balance } } }", ["visitor"]],
  ["the name of such a type", "{ anything { ... on Wallet { __typename } } }", ["visitor"]],
  ["the names of a union's types", "{ anything { __typename } }", []],
  ["a field that requires another", "{ person { greeting } }", ["visitor"]],
  ["an interface object's field, by a type", "{ tool { shelf } }", ["visitor"]],
  ["an interface object's field, by the interface", "{ node { shelf } }", ["visitor"]],
  ["an interface object's other field", "{ node { row } }", []],
  ["aliases", "{ a: person { b: email } }", ["visitor"]],
  [
    "fragments in fragments",
    "{ person { ...a } } fragment a on Person { ...b } fragment b on Node { ... { name } }",
    ["visitor"],
  ],
  ["introspection", '{ __schema { queryType { name } } __type(name: "Wallet") { name } }', []],
])("%s: %s is refused to %j", async (_, query, refusedTo) => {
  const found = [];
  for (const [role, identity] of WHO)
    if ((await answerOf(identity, query)).refused.length > 0) found.push(role);
  expect(found).toEqual(ALL.filter((role) => refusedTo.includes(role)));
});

test("one name for several fields, of which one is refused for one type", async () => {
  const query = "{ nodes { ... on Person { x: name } ... on Tool { x: name } } }";
  expect(await answerOf(VISITOR, query)).toEqual({
    data: { nodes: [{ x: null }, { x: "tool 9" }] },
    refused: ["nodes.0.x Person.name"],
  });
  // The interface's field is refused, so what the type's brings under the same name is not shown either.
  expect(await answerOf(VISITOR, "{ tool { x: name ... on Node { x: name } } }")).toEqual({
    data: { tool: { x: null } },
    refused: ["tool.x Node.name"],
  });
});

test("selections of one name are merged, and what is refused of one is refused of the answer", async () => {
  const query = "{ person { friend { id } } ... on Query { person { friend { email } } } }";
  expect(await answerOf(VISITOR, query)).toEqual({
    data: { person: { friend: { id: "2", email: null } } },
    refused: ["person.friend.email Person.email"],
  });
});

test("null goes up to where it may be, and refused objects are not looked into", async () => {
  expect(await answerOf(VISITOR, "{ person { id card { kind } } }")).toEqual({
    data: { person: null },
    refused: ["person.card.kind Card.kind"],
  });
  expect(await answerOf(VISITOR, "{ person { wallet { balance owner { email } } } }")).toEqual({
    data: { person: { wallet: null } },
    refused: ["person.wallet Person.wallet"],
  });
  expect((await answerOf(VISITOR, "{ free must }")).data).toBeNull();
  expect(asked).toEqual([]);
  expect((await answerOf(VISITOR, "{ people { code } }")).data).toBeNull();
});

test("an object of which nothing is left is still asked for, and a document of which nothing is left is not", async () => {
  expect((await answerOf(VISITOR, "{ box { inner { inner { weight } weight } } }")).data).toEqual({
    box: { inner: { inner: null, weight: null } },
  });
  expect((await answerOf(VISITOR, "{ guarded wallet { balance } }")).data).toEqual({
    guarded: null,
    wallet: null,
  });
  expect(asked).toEqual([]);
});

test("what a condition leaves out is not refused", async () => {
  const query = `query ($a: Boolean!, $id: ID = "2") {
    free guarded @include(if: $a) ... @include(if: $a) { must } person(id: $id) @skip(if: true) { ...all }
  } fragment all on Person { email }`;
  expect(await answerOf(VISITOR, query, { a: false })).toEqual({ data: { free: 1 }, refused: [] });
  expect(await answerOf(VISITOR, query, { a: true })).toEqual({ data: null, refused: ["must Query.must"] });
});

test("variables and fragments that only refused fields use are no error", async () => {
  const query =
    "query ($id: ID!) { free wallet { owner { ...f } balance } person(id: $id) { email } } fragment f on Person { name }";
  expect((await answerOf(VISITOR, query, { id: "2" })).data).toEqual({
    free: 1,
    wallet: null,
    person: { email: null },
  });
  const mutation = "mutation ($to: String) { restock rename(name: $to) { email } note }";
  expect(await answerOf(VISITOR, mutation, { to: "x" })).toEqual({
    data: { restock: null, rename: { email: null }, note: 9 },
    refused: ["restock Mutation.restock", "rename.email Person.email"],
  });
  expect(sent()).not.toContain("restock");
});

test("a mutation that a refused field makes null carries nothing out", async () => {
  expect(await answerOf(CLIENT, "mutation { note must restock }")).toEqual({
    data: null,
    refused: ["must Mutation.must"],
  });
  expect(asked).toEqual([]);
  const twice = "mutation ($t: Boolean!) { note restock @include(if: $t) note restock @skip(if: $t) }";
  expect((await answerOf(CLIENT, twice, { t: true })).data).toEqual({ note: 9, restock: null });
});

test("each identity has its own plan, and the same roles one", async () => {
  const query = "{ person { id email friend { email } } }";
  const before = graph.operationCount;
  for (const identity of [
    VISITOR,
    { ...VISITOR },
    CLIENT,
    COMPANY,
    { ...CLIENT, clientId: "dakar:9" } as const,
  ])
    await answerOf(identity, query);
  expect(graph.operationCount - before).toBe(2);
  const asking = { document: parse(query), operationName: undefined, variables: {} };
  expect(JSON.stringify(graph.planOf(asking, VISITOR))).not.toContain("email");
});

test("the errors are bounded", async () => {
  const query = `{ ${Array.from({ length: 40 }, (_, at) => `p${at}: people { email name }`).join(" ")} }`;
  const { errors } = await guarded.askAs(VISITOR, query);
  expect(errors).toHaveLength(202);
  expect(errors.at(-1)!.extensions?.notListed).toBe(20);
});
