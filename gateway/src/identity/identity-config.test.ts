/** Goal: who asks is configured as a whole or not at all. Method: environments. */
import { readConfig } from "@teranga/kit/process/config.ts";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { identityVariables, readIdentity } from "./identity-config.ts";

const variables = z.object(identityVariables);
const read = (env: Record<string, string>, isDevelopment = false) =>
  readIdentity(readConfig(variables, env), isDevelopment);

const WHOLE = {
  JWT_ISSUER: "https://issuer.example",
  JWT_AUDIENCE: "shop",
  JWKS_URL: "https://issuer.example/jwks",
};

test("whole, with its defaults", () => {
  expect(read(WHOLE)).toEqual({
    tokens: {
      issuer: "https://issuer.example",
      audience: "shop",
      algorithms: ["RS256", "ES256", "EdDSA"],
      clockSkewS: 30,
      keys: { kind: "url", url: "https://issuer.example/jwks" },
    },
    tokenless: { role: "visitor" },
  });
});

test("with nothing everybody is a visitor, and in development an operator of the company", () => {
  expect(read({})).toEqual({ tokens: undefined, tokenless: { role: "visitor" } });
  expect(read({}, true).tokenless).toEqual({ role: "company-operator", subject: "development" });
});

test.each([
  ["company", { role: "company-operator", subject: "development" }],
  ["client thies:2", { role: "client", clientId: "thies:2" }],
  ["city thies", { role: "city-operator", subject: "development", cityId: "thies" }],
  ["visitor", { role: "visitor" }],
])("in development %s may ask", (words, identity) => {
  expect(read({ DEVELOPMENT_IDENTITY: words }, true).tokenless).toEqual(identity);
});

describe("is refused", () => {
  test.each<[Record<string, string>, string]>([
    [
      { JWT_ISSUER: "x" },
      "JWT_ISSUER, JWT_AUDIENCE, JWKS_URL or JWKS_FILE go together; missing: JWT_AUDIENCE, JWKS_URL or JWKS_FILE",
    ],
    [{ JWKS_FILE: "x" }, "missing: JWT_ISSUER, JWT_AUDIENCE"],
    [{ ...WHOLE, JWKS_FILE: "x" }, "JWKS_URL and JWKS_FILE: there is only one place of the keys"],
    [
      { JWKS_URL: "http://issuer.example/jwks" },
      "JWKS_URL: is not an https URL, or an http URL of this machine",
    ],
    [{ JWKS_URL: "http://localhost.example/jwks" }, "JWKS_URL: is not an https URL"],
    [{ JWKS_URL: "file:///etc/jwks" }, "JWKS_URL: is not an https URL"],
    [{ JWT_ALGORITHMS: "none" }, "JWT_ALGORITHMS: names others than RS256"],
    [{ JWT_ALGORITHMS: "RS256,HS256" }, "JWT_ALGORITHMS: names others than RS256"],
    [{ JWT_ALGORITHMS: "," }, "JWT_ALGORITHMS: names others than RS256"],
    [{ JWT_CLOCK_SKEW_S: "301" }, "JWT_CLOCK_SKEW_S: must be 300 or less"],
    [{ DEVELOPMENT_IDENTITY: "company" }, "DEVELOPMENT_IDENTITY: is for NODE_ENV=development only"],
  ])("%j", (env, message) => {
    expect(() => read(env)).toThrow(message);
  });

  test.each([
    "operator",
    "client",
    "client thies",
    "client Thies:2",
    "city",
    "city a b",
    "service",
    "company thies",
  ])("DEVELOPMENT_IDENTITY=%s", (words) => {
    const said = "DEVELOPMENT_IDENTITY: is not company, city CITY, client CLIENT or visitor";
    expect(() => read({ DEVELOPMENT_IDENTITY: words }, true)).toThrow(said);
  });
});
