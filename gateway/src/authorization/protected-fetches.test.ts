/**
 * Goal: a service is told who asks wherever that may decide, and nowhere else, so that what everybody may
 * have stays one answer for all.
 */
import { IDENTITY_HEADER } from "@teranga/kit/identity/assertion.ts";
import { VISITOR } from "@teranga/kit/identity/identity.ts";
import { expect, test } from "vitest";
import { CLIENT, COMPANY, startGuarded } from "../fixture/guarded.ts";

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
