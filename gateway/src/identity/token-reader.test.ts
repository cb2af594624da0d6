/**
 * Goal: only a token that its issuer has signed, for this graph and for now, says who asks; any other is
 * refused with the code that says why. Method: real keys and signatures, in virtual time.
 */
import { createHmac } from "node:crypto";
import { createLogger } from "@teranga/kit/process/log.ts";
import { exportJWK, type JWTPayload } from "jose";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  AUDIENCE,
  goodClaims,
  ISSUER,
  type IssuerKey,
  jwksOf,
  makeKey,
  part,
  pemOf,
  sign,
} from "../fixture/issuer.ts";
import { KeyRing } from "./key-ring.ts";
import { TokenReader } from "./token-reader.ts";

const SKEW_S = 30;

let key: IssuerKey;
let rsa: IssuerKey;
beforeAll(async () => {
  [key, rsa] = await Promise.all([makeKey("one"), makeKey("two", "RS256")]);
});

let nowMs: number;
let ring: KeyRing;
let reader: TokenReader;
const lines: string[] = [];
const log = createLogger("test", "debug", { write: (line) => void lines.push(line) });
beforeEach(() => {
  nowMs = 1_800_000_000_000;
  lines.length = 0;
  ring = new KeyRing({ log, nowMs: () => nowMs });
  ring.take(jwksOf(key, rsa));
  const source = {
    get keys() {
      return ring.keys;
    },
    refresh: async () => {},
    close: async () => {},
  };
  const terms = {
    issuer: ISSUER,
    audience: AUDIENCE,
    algorithms: ["ES256", "RS256"],
    clockSkewS: SKEW_S,
  } as const;
  reader = new TokenReader(terms, { source, log, nowMs: () => nowMs });
});

const signed = (changes: JWTPayload = {}, by = key) => sign(by, { ...goodClaims(nowMs), ...changes });

/** Who the token says asks, or its code and reason. */
async function read(token: string): Promise<unknown> {
  try {
    return await reader.read(token);
  } catch (error) {
    const { code, reason } = (error as { extensions: Record<string, unknown> }).extensions;
    return reason === undefined ? code : `${code} ${reason}`;
  }
}

describe("a token says who asks", () => {
  test.each<[JWTPayload, object]>([
    [{}, { role: "client", clientId: "thies:2" }],
    [{ scope: "client" }, { role: "client", clientId: "thies:2" }],
    [
      { scope: "city:operate profile", sub: "awa@shop.example", city: "saint-louis" },
      { role: "city-operator", subject: "awa@shop.example", cityId: "saint-louis" },
    ],
    [
      { scope: "company:operate", sub: "auth0|7" },
      { role: "company-operator", subject: "auth0|7" },
    ],
    [{ aud: ["https://other.example", AUDIENCE] }, { role: "client", clientId: "thies:2" }],
  ])("%j", async (changes, identity) => {
    expect(await read(await signed(changes))).toEqual(identity);
    expect(await read(await signed(changes, rsa))).toEqual(identity);
  });
});

describe("a token that is not accepted", () => {
  test.each<[what: string, JWTPayload, said: string]>([
    ["of another issuer", { iss: "https://issuer.example/" }, "TOKEN_INVALID issuer"],
    ["for somebody else", { aud: "https://shop.example" }, "TOKEN_INVALID audience"],
    ["for nobody", { aud: [] }, "TOKEN_INVALID audience"],
    ["that never expires", { exp: undefined as never }, "TOKEN_INVALID claims"],
    ["that expires at a text", { exp: "tomorrow" as never }, "TOKEN_INVALID claims"],
    ["that is valid from a text", { nbf: "today" as never }, "TOKEN_INVALID claims"],
    ["without a scope", { scope: undefined }, "TOKEN_INVALID scope"],
    ["with a list for a scope", { scope: ["client"] }, "TOKEN_INVALID scope"],
    ["with a number for a scope", { scope: 1 }, "TOKEN_INVALID scope"],
    ["with an object for a scope", { scope: { client: true } }, "TOKEN_INVALID scope"],
    ["with no role", { scope: "openid profile" }, "TOKEN_INVALID scope"],
    ["with a role in other letters", { scope: "CLIENT" }, "TOKEN_INVALID scope"],
    ["with a role by tabs", { scope: "openid\tclient" }, "TOKEN_INVALID scope"],
    ["with two roles", { scope: "client company:operate" }, "TOKEN_INVALID scope"],
    ["of a service", { scope: "service" }, "TOKEN_INVALID scope"],
    ["of a client and a service", { scope: "client service" }, "TOKEN_INVALID scope"],
    ["of nobody", { sub: undefined as never }, "TOKEN_INVALID subject"],
    ["of a number", { sub: 2 as never }, "TOKEN_INVALID subject"],
    ["of a client without a city", { sub: "2" }, "TOKEN_INVALID subject"],
    ["of a client with two ids", { sub: "thies:2,dakar:1" }, "TOKEN_INVALID subject"],
    ["of a client in two lines", { sub: "thies:2\n" }, "TOKEN_INVALID subject"],
    ["of an operator with a line break", { scope: "company:operate", sub: "a\nb" }, "TOKEN_INVALID subject"],
    ["of an operator of no city", { scope: "city:operate", sub: "awa" }, "TOKEN_INVALID city"],
    [
      "of an operator of many cities",
      { scope: "city:operate", sub: "awa", city: ["thies"] },
      "TOKEN_INVALID city",
    ],
    [
      "of an operator of a wrong city",
      { scope: "city:operate", sub: "awa", city: "*" },
      "TOKEN_INVALID city",
    ],
  ])("%s", async (_what, changes, said) => {
    expect(await read(await signed(changes))).toBe(said);
  });

  test("that has expired, or is not valid yet, beyond the difference of clocks", async () => {
    const nowS = nowMs / 1_000;
    expect(await read(await signed({ exp: nowS - SKEW_S }))).toBe("TOKEN_EXPIRED");
    expect(await read(await signed({ exp: nowS - SKEW_S + 1 }))).toMatchObject({ role: "client" });
    expect(await read(await signed({ nbf: nowS + SKEW_S + 1 }))).toBe("TOKEN_NOT_YET_VALID");
    expect(await read(await signed({ nbf: nowS + SKEW_S }))).toMatchObject({ role: "client" });
  });

  test.each(["none", "None", "NONE", ""])("with the algorithm %j and no signature", async (alg) => {
    const token = `${part({ alg, kid: "one" })}.${part(goodClaims(nowMs))}.`;
    expect(await read(token)).toMatch(/^TOKEN_INVALID (algorithm|malformed)$/);
  });

  test("that is signed as a secret with the text of a public key", async () => {
    const secrets = [
      await pemOf(rsa),
      (await pemOf(rsa)).trim(),
      JSON.stringify(rsa.jwk),
      JSON.stringify(await exportJWK(rsa.publicKey)),
      Buffer.from(rsa.jwk.n!, "base64url"),
    ];
    for (const secret of secrets) {
      const content = `${part({ alg: "HS256", kid: "two" })}.${part(goodClaims(nowMs))}`;
      const signature = createHmac("sha256", secret).update(content).digest("base64url");
      expect(await read(`${content}.${signature}`)).toBe("TOKEN_INVALID algorithm");
    }
  });

  test("that is signed by an algorithm that is not configured", async () => {
    const edwards = await makeKey("three", "EdDSA");
    ring.take(jwksOf(key, edwards));
    expect(await read(await signed({}, edwards))).toBe("TOKEN_INVALID algorithm");
  });

  test("that names one key and is signed with another", async () => {
    const stranger = await makeKey("one");
    expect(await read(await signed({}, stranger))).toBe("TOKEN_INVALID signature");
  });

  test("that brings its own key along", async () => {
    const stranger = await makeKey("mine");
    const header = {
      jwk: stranger.jwk,
      jku: "https://attacker.example/jwks",
      x5u: "https://attacker.example",
    };
    expect(await read(await sign(stranger, goodClaims(nowMs), header))).toBe("TOKEN_INVALID unknown-key");
  });

  test("whose content was changed after it was signed", async () => {
    const [header, , signature] = (await signed()).split(".");
    const claims = part({ ...goodClaims(nowMs), scope: "company:operate" });
    expect(await read(`${header}.${claims}.${signature}`)).toBe("TOKEN_INVALID signature");
  });

  test("that does not say its key, where there are several that it could be", async () => {
    const other = await makeKey("other");
    ring.take(jwksOf(key, other));
    const token = await sign(key, goodClaims(nowMs), { kid: undefined as never });
    expect(await read(token)).toBe("TOKEN_INVALID unknown-key");
    ring.take(jwksOf(key));
    expect(await read(token)).toMatchObject({ role: "client" });
  });

  test.each(["x", "..", "a.b.c", `${part("[]")}.${part("{}")}.x`, `${part({ alg: "ES256" })}.x.x`])(
    "that is none: %s",
    async (token) => {
      expect(await read(token)).toMatch(/^TOKEN_INVALID (malformed|algorithm|unknown-key|signature)$/);
    },
  );

  test("that has a header which must be understood and is not", async () => {
    const token = await sign(key, goodClaims(nowMs), { crit: ["b64"], b64: false } as never).catch(() => "");
    const forged = `${part({ alg: "ES256", kid: "one", crit: ["x"], x: 1 })}.${part("{}")}.x`;
    expect(await read(token || forged)).toMatch(/^TOKEN_INVALID/);
    expect(await read(forged)).toBe("TOKEN_INVALID malformed");
  });

  test("that is too long, though it is good", async () => {
    expect(await read(await signed({ name: "x".repeat(5_500) }))).toMatchObject({ role: "client" });
    expect(await read(await signed({ name: "x".repeat(6_500) }))).toBe("TOKEN_INVALID too-long");
    expect(await read("x".repeat(100_000))).toBe("TOKEN_INVALID too-long");
  });

  test("shows nothing of itself in errors and logs", async () => {
    const token = await signed({ iss: "https://secret.example", name: "Fatou" });
    const error = await Promise.resolve(reader.read(token)).catch((refusal: object) => refusal);
    const shown = JSON.stringify(error) + lines.join("");
    expect(shown).toContain("TOKEN_INVALID");
    for (const secret of [token.slice(0, 20), "secret.example", "Fatou", "thies:2"]) {
      expect(shown).not.toContain(secret);
    }
  });
});

describe("a token that was accepted", () => {
  const verifications = () => counted.calls;
  const counted = { calls: 0 };
  beforeEach(() => {
    counted.calls = 0;
    const { verify } = crypto.subtle;
    crypto.subtle.verify = (...given: Parameters<typeof verify>) => {
      counted.calls++;
      return verify.apply(crypto.subtle, given);
    };
    return () => {
      crypto.subtle.verify = verify;
    };
  });

  test("is remembered: its signature is checked once, and the answer needs no promise", async () => {
    const token = await signed();
    await read(token);
    expect(reader.read(token)).toEqual({ role: "client", clientId: "thies:2" });
    expect(verifications()).toBe(1);
  });

  test("is refused from the moment that it expires", async () => {
    const token = await signed({ exp: nowMs / 1_000 + 10 });
    await read(token);
    nowMs += (10 + SKEW_S) * 1_000 - 1;
    expect(await read(token)).toMatchObject({ role: "client" });
    nowMs += 1;
    expect(await read(token)).toBe("TOKEN_EXPIRED");
  });

  test("is forgotten when the keys change, and refused if its key has gone", async () => {
    const token = await signed();
    await read(token);
    ring.take(jwksOf(key, rsa));
    await read(token);
    expect(verifications()).toBe(1);
    ring.take(jwksOf(key));
    expect(await read(token)).toMatchObject({ role: "client" });
    expect(verifications()).toBe(2);
    ring.take(jwksOf(rsa));
    expect(await read(token)).toBe("TOKEN_INVALID unknown-key");
  });

  test("is not remembered if the keys changed while its signature was checked", async () => {
    const [token, other] = [await signed(), await signed({}, rsa)];
    const { verify } = crypto.subtle;
    crypto.subtle.verify = async (...given: Parameters<typeof verify>) => {
      crypto.subtle.verify = verify;
      ring.take(jwksOf(rsa));
      // Another token makes the memory one of the new keys.
      await read(other);
      return verify.apply(crypto.subtle, given);
    };
    expect(await read(token)).toMatchObject({ role: "client" });
    expect(await read(token)).toBe("TOKEN_INVALID unknown-key");
  });
});
