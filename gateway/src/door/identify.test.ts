/**
 * Goal: a request acts as its token says, and a refused one costs nothing and shows nothing. Method: HTTP at
 * the door, with real tokens.
 */
import { request } from "node:http";
import { createLogger } from "@teranga/kit/process/log.ts";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Door, startDoor } from "../fixture/door.ts";
import { AUDIENCE, goodClaims, ISSUER, type IssuerKey, jwksOf, makeKey, sign } from "../fixture/issuer.ts";
import { byToken } from "../identity/identity-means.ts";
import { KeyRing } from "../identity/key-ring.ts";
import { TokenReader } from "../identity/token-reader.ts";

let key: IssuerKey;
let door: Door;
let ring: KeyRing;
let good: string;

beforeAll(async () => {
  key = await makeKey("one");
  const log = createLogger("test", "silent");
  const terms = { issuer: ISSUER, audience: AUDIENCE, algorithms: ["ES256"], clockSkewS: 30 } as const;
  const source = {
    get keys() {
      return ring.keys;
    },
    refresh: async () => {},
    close: async () => {},
  };
  const reader = new TokenReader(terms, { source, log, nowMs: () => Date.now() });
  door = await startDoor({}, { identity: byToken(reader, { role: "visitor" }) });
  good = await sign(key, goodClaims(Date.now()));
});
afterAll(() => door.close());
beforeEach(() => {
  ring = new KeyRing({ log: createLogger("test", "silent"), nowMs: () => performance.now() });
  ring.take(jwksOf(key));
  door.lines.length = 0;
});

async function ask(authorization?: string, body = '{"query":"{ whoAsks }"}') {
  const headers = {
    "content-type": "application/json",
    ...(authorization !== undefined && { authorization }),
  };
  const answer = await fetch(door.url, { method: "POST", headers, body });
  const { data, errors } = (await answer.json()) as {
    data?: { whoAsks: string };
    errors?: { message: string; extensions: { code: string; reason?: string } }[];
  };
  return {
    status: answer.status,
    headers: answer.headers,
    who: data && JSON.parse(data.whoAsks),
    error: errors?.[0],
  };
}

test("without a token a visitor asks, also with an empty header", async () => {
  for (const authorization of [undefined, "", " "]) {
    expect(await ask(authorization)).toMatchObject({ status: 200, who: { role: "visitor" } });
  }
});

test("with a token the one that it names asks, and the log has the role and the subject", async () => {
  expect(await ask(`bearer  ${good}`)).toMatchObject({ who: { role: "client", clientId: "thies:2" } });
  const [line] = door.lines.filter(({ msg }) => msg === "request");
  expect(line).toMatchObject({ role: "client", subject: "thies:2" });
  expect(JSON.stringify(door.lines)).not.toContain(good.split(".")[2]);
});

describe("a token that is refused", () => {
  test("costs no reading of the body", async () => {
    const answer = await ask(`Bearer ${good}x`, "this is no JSON");
    expect(answer).toMatchObject({ status: 401, error: { extensions: { code: "TOKEN_INVALID" } } });
    expect(answer.headers.get("www-authenticate")).toBe('Bearer error="invalid_token"');
    expect(answer.headers.get("content-type")).toBe("application/json; charset=utf-8");
  });

  test.each([
    ["Basic dXNlcjpwYXNz", "scheme"],
    ["Bearer", "scheme"],
    ["Bearer a b", "scheme"],
    ["Bearer é", "scheme"],
    [`Bearer ${"x".repeat(9_000)}`, "too-long"],
  ])("%.20s says %s", async (authorization, reason) => {
    const { status, error } = await ask(authorization);
    expect({ status, ...error!.extensions }).toEqual({ status: 401, code: "TOKEN_INVALID", reason });
  });

  test("of 100 kB is refused with all headers", async () => {
    const { status, error } = await ask(`Bearer ${"x".repeat(100_000)}`);
    expect({ status, code: error!.extensions.code }).toEqual({ status: 431, code: "BAD_REQUEST" });
    expect(await ask(`Bearer ${good}`)).toMatchObject({ status: 200 });
  });

  test("is one line in the log, with the code and no more", async () => {
    await ask(`Bearer ${await sign(key, { ...goodClaims(Date.now()), exp: 1 })}`);
    const [line, ...others] = door.lines;
    expect(others).toEqual([]);
    expect(line).toMatchObject({ status: 401, outcome: "refused", errors: { TOKEN_EXPIRED: 1 } });
    expect(line).not.toHaveProperty("role");
  });

  test("by two headers is refused, whichever of them is good", async () => {
    const status = await new Promise((resolve, reject) => {
      const headers = ["authorization", `Bearer ${good}`, "authorization", "Bearer x", "host", "localhost"];
      const sent = request(door.url, { method: "POST", headers }, (response) => {
        resolve(response.statusCode);
        response.resume();
      });
      sent.on("error", reject).end();
    });
    expect(status).toBe(401);
  });
});

test("without keys a token is 503 and a visitor is served", async () => {
  ring = new KeyRing({ log: createLogger("test", "silent"), nowMs: () => performance.now() });
  const { status, headers, error } = await ask(`Bearer ${good}`);
  expect({ status, code: error!.extensions.code }).toEqual({ status: 503, code: "KEYS_UNAVAILABLE" });
  expect(headers.get("retry-after")).toBe("10");
  expect(door.lines.at(-1)).toMatchObject({ outcome: "failed" });
  expect(await ask()).toMatchObject({ who: { role: "visitor" } });
});

test("a preflight of a browser needs no token", async () => {
  const answer = await fetch(door.url, { method: "OPTIONS", headers: { authorization: "Bearer x" } });
  expect(answer.status).not.toBe(401);
});
