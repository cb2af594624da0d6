/**
 * Goal: a service is told who asks wherever that may decide, and nowhere else, so that what everybody may
 * have stays one answer for all.
 */

import type { Send } from "@teranga/kit/http/transport.ts";
import { IDENTITY_HEADER } from "@teranga/kit/identity/assertion.ts";
import { VISITOR } from "@teranga/kit/identity/identity.ts";
import { expect, test } from "vitest";
import { CLIENT, COMPANY, startGuarded } from "../fixture/guarded.ts";
import { type Ask, createNetworks, type ReplicaNetwork } from "../network/network.ts";
import { ANYTHING } from "../session/read-after.ts";
import { askPlace } from "../sources/source.ts";

const guarded = startGuarded();

/** What was asked, with the role that was told. */
async function told(query: string, identity = CLIENT) {
  expect((await guarded.askAs(identity, query)).errors).toEqual([]);
  return guarded.asked.map(({ subgraph, headers }) => {
    const header = headers[IDENTITY_HEADER];
    const claims = header && JSON.parse(Buffer.from(header.split(".")[1]!, "base64url").toString());
    if (claims) expect(claims.aud).toBe(subgraph);
    return claims ? `${subgraph} ${claims.role}` : subgraph;
  });
}

test.each([
  ["{ free person { id age } }", ["people", "letters"]],
  ["{ person { id email age } }", ["people client", "letters"]],
  ["{ person { age born } }", ["people", "letters client"]],
  ["{ person { greeting } }", ["people client", "letters client"]],
  ["{ anything { __typename } }", ["people"]],
  ["{ anything { ... on Wallet { __typename } } }", ["people client"]],
  ["{ nodes { row } }", ["people", "shelves"]],
  ["{ nodes { shelf } }", ["people", "shelves client"]],
  ["mutation { note }", ["people client"]],
])("%s asks %j", async (query, expected) => {
  expect(await told(query)).toEqual(expected);
});

test("a visitor is told by saying nothing, and equal assertions are one text", async () => {
  expect(await told("mutation { note }", VISITOR)).toEqual(["people"]);
  const query = "{ person { email } }";
  const headersOf = async (identity = CLIENT) => {
    await told(query, identity);
    return guarded.asked[0]!.headers[IDENTITY_HEADER];
  };
  const first = await headersOf();
  expect(await headersOf({ ...CLIENT } as typeof CLIENT)).toBe(first);
  expect(await headersOf(COMPANY)).not.toBe(first);
  expect(await headersOf({ role: "client", clientId: "thies:3" })).not.toBe(first);
});

test("what is protected is neither looked for in the cache nor kept", async () => {
  const untouched = new Proxy(
    {},
    { get: (_, name) => expect.fail(`the cache was asked for ${String(name)}`) },
  );
  const place = { subgraph: "people" };
  const request = { query: "{ person { email } }" };
  const context = guarded.newContext(CLIENT);
  context.cache = untouched as never;
  context.session = { readAfter: () => ANYTHING, saw: () => {} } as never;
  context.network = { ...context.network, reads: new Map([["people", "own" as const]]) };
  const sent: string[] = [];
  const ask: Ask = async (_, { headers }) => {
    sent.push(headers[IDENTITY_HEADER]!);
    return { data: { person: null }, shared: false } as never;
  };
  const terms = { mayRepeat: true, isWhole: () => true };
  const answer = await askPlace(place, ask, request, { ...terms, isProtected: true }, context);
  expect(answer).toMatchObject({ kind: "answered", data: { person: null } });
  expect(sent).toEqual([expect.stringMatching(/^ey/)]);
  await expect(askPlace(place, ask, request, { ...terms, isProtected: false }, context)).rejects.toThrow(
    "the cache was",
  );
});

test("equal questions of two identities are two requests, and of one identity one", async () => {
  const release = Promise.withResolvers<void>();
  let requests = 0;
  const send: Send = async () => {
    requests++;
    await release.promise;
    return { data: { person: null } };
  };
  const networks = createNetworks({ send, nowMs: () => performance.now() });
  const network = networks.update([{ kind: "replicas", subgraph: "people", urls: ["http://people"] }]);
  const { ask } = network.placements.get("people") as ReplicaNetwork;
  const terms = { mayRepeat: true, isProtected: true, isWhole: () => true };
  const asking = [CLIENT, COMPANY, { ...CLIENT } as typeof CLIENT].map((identity) => {
    const context = { ...guarded.newContext(identity), network };
    return askPlace({ subgraph: "people" }, ask, { query: "{ person { email } }" }, terms, context);
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  release.resolve();
  for (const answer of await Promise.all(asking)) expect(answer.kind).toBe("answered");
  expect(requests).toBe(2);
  await networks.close();
});
