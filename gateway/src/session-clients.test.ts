/**
 * Goal: our typed client and the documentation's link for Apollo Client carry the session. Method: both ask
 * two gateways in turn, over a replica that is behind.
 */
import { readFile } from "node:fs/promises";
import { createApolloClient } from "@teranga/schema/client/apollo-session.ts";
import { withSession } from "@teranga/schema/client/session.ts";
import { parse } from "graphql";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { NoteWorld } from "./fixture/notes.ts";

let world: NoteWorld;
beforeAll(async () => {
  world = await NoteWorld.start();
});
afterAll(() => world.close());
beforeEach(() => world.reset());

const uri = (turn: number) => `http://127.0.0.1:${world.gateways[turn % 2]!.port}/graphql`;

/** A client that asks the gateways in turn, by the `fetch` of our typed client. */
function typedClient() {
  const send = withSession(fetch);
  let turn = 0;
  return async (query: string) => {
    const headers = { "content-type": "application/json" };
    const response = await send(uri(turn++), { method: "POST", headers, body: JSON.stringify({ query }) });
    return ((await response.json()) as { data: Record<string, unknown> }).data;
  };
}

/** The same by Apollo Client. */
function apolloClient() {
  let turn = 0;
  const client = createApolloClient(() => uri(turn++));
  return async (text: string) => {
    const document = parse(text);
    const isQuery = !text.startsWith("mutation");
    const { data } = await (isQuery
      ? client.query({ query: document, fetchPolicy: "network-only" })
      : client.mutate({ mutation: document }));
    return data as Record<string, unknown>;
  };
}

test.each([
  ["typed", typedClient],
  ["Apollo", apolloClient],
])("the %s client reads what it has written and seen, in turn and side by side", async (_, create) => {
  const ask = create();
  for (let round = 0; round < 5; round++) {
    const value = world.primary.value + 1;
    await ask(`mutation { write(value: ${value}) }`);
    expect(await ask("{ note }")).toMatchObject({ note: value });
  }
  // A read that was under way when the write was answered must not take its token away.
  for (let round = 0; round < 5; round++) {
    const value = world.primary.value + 1;
    await Promise.all([ask(`mutation { write(value: ${value}) }`), ask("{ note }"), create()("{ note }")]);
    expect(await ask("{ note }")).toMatchObject({ note: value });
  }
  expect(await create()("{ note }")).not.toEqual({ note: world.primary.value });
});

test("Apollo Client takes the token of an answer with @defer", async () => {
  const ask = apolloClient();
  const { page } = (await ask("{ page { id ... @defer { note } } }")) as { page: { note: number } };
  world.readAfters.length = 0;
  expect(await ask("{ note }")).toMatchObject({ note: page.note });
  expect(world.readAfters.at(-1)!.readAfter).toMatch(/^notes=1\.\d+$/);
});

test("a client that holds more tokens than a request can carry says so", async () => {
  const said: (string | null)[] = [];
  const send = withSession(async (_, init) => {
    said.push(new Headers(init?.headers).get("teranga-session"));
    return new Response("{}", { headers: { "teranga-session": `${said.length}`.padEnd(2_999, "x") } });
  });
  await Promise.all([1, 2, 3].map(() => send("http://gateway")));
  await send("http://gateway");
  await send("http://gateway");
  expect(said.map((each) => each?.length)).toEqual([
    undefined,
    undefined,
    undefined,
    "unknown".length,
    2_999,
  ]);
});

test("the link of the documentation is the one that is tested here", async () => {
  const at = (file: string) => readFile(new URL(`../../${file}`, import.meta.url), "utf8");
  const source = await at("schema/client/apollo-session.ts");
  const link = source.slice(
    source.indexOf("function createSessionLink"),
    source.indexOf("/** A client of the"),
  );
  expect(link.split("\n").length).toBeGreaterThan(10);
  expect(await at("docs/typed-clients.md")).toContain(link.trim());
});
