/**
 * Goal: a wrong variable gives an error that says what is wrong with it. Method: every numeric variable of
 * every program, set wrong in each way; and the variables that production requires to say who may connect.
 */
import { fileURLToPath } from "node:url";
import { catalogVariables } from "@teranga/catalog/config.ts";
import { cityVariables, readPaymentProvider } from "@teranga/city/config.ts";
import { gatewayVariables, readGatewayConfig } from "@teranga/gateway/config.ts";
import { proxyVariables } from "@teranga/gateway/proxy/proxy-config.ts";
import { readConfig } from "@teranga/kit/process/config.ts";
import { mobileMoneyVariables } from "@teranga/mobile-money/config.ts";
import { ordersVariables } from "@teranga/orders/config.ts";
import { expect, test } from "vitest";
import { z } from "zod";

const numeric = Object.entries({
  ...catalogVariables.shape,
  ...ordersVariables.shape,
  ...proxyVariables.shape,
  ...gatewayVariables.shape,
  ...cityVariables.shape,
  ...mobileMoneyVariables.shape,
}).filter(
  ([, schema]) => typeof schema.safeParse(undefined).data === "number" || schema === cityVariables.shape.PORT,
);

test.each(numeric)("%s", (name, schema) => {
  const told = (text: string) => {
    try {
      return readConfig(z.object({ [name]: schema }), { [name]: text });
    } catch (error) {
      return (error as Error).message;
    }
  };
  const refusals = ["much", "-1", "1e12"].map(told);
  if (name.endsWith("PORT")) {
    const refusal = (text: string) => `Configuration: ${name}: "${text}" is not a port (0 to 65535)`;
    expect(refusals).toEqual([refusal("much"), refusal("-1"), refusal("1e12")]);
    return;
  }
  expect(refusals).toEqual([
    `Configuration: ${name}: is not a number`,
    expect.stringMatching(`^Configuration: ${name}: must be \\d+ or more$`),
    expect.stringMatching(`^Configuration: ${name}: must be \\d+ or less$`),
  ]);
});

const SUPERGRAPH = fileURLToPath(new URL("../schema/generated/supergraph.graphql", import.meta.url));
const gatewayWith = (env: Record<string, string>) => readGatewayConfig(["--supergraph", SUPERGRAPH], env);

test("production says where to listen; elsewhere it is loopback", async () => {
  await expect(gatewayWith({ NODE_ENV: "production" })).rejects.toThrow("HOST is not set");
  for (const HOST of ["0.0.0.0", "::"])
    expect((await gatewayWith({ NODE_ENV: "production", HOST })).door.host).toBe(HOST);
  expect((await gatewayWith({})).door.host).toBe("127.0.0.1");
});

test("the origins whose pages may ask are a list", async () => {
  const { corsOrigins } = await gatewayWith({ CORS_ORIGINS: "https://shop.example, http://a.example:8080" });
  expect(corsOrigins).toEqual(["https://shop.example", "http://a.example:8080"]);
  expect((await gatewayWith({})).corsOrigins).toBeUndefined();
  for (const CORS_ORIGINS of ["shop.example", "https://shop.example/path", "*"])
    await expect(gatewayWith({ CORS_ORIGINS })).rejects.toThrow("CORS_ORIGINS: is not a list of origins");
});

test("where mobile money is asked for and what it is signed with go together", () => {
  const [PAYMENT_PROVIDER_URL, PAYMENT_PROVIDER_SECRET] = [
    "https://pay.example/teranga",
    "a-secret-of-length",
  ];
  const read = readPaymentProvider;
  expect(read({})).toBeNull();
  expect(read({ PAYMENT_PROVIDER_URL, PAYMENT_PROVIDER_SECRET })).toEqual({
    url: PAYMENT_PROVIDER_URL,
    secret: PAYMENT_PROVIDER_SECRET,
  });
  expect(() => read({ PAYMENT_PROVIDER_URL })).toThrow("PAYMENT_PROVIDER_SECRET is not set");
  expect(() => read({ PAYMENT_PROVIDER_SECRET })).toThrow("PAYMENT_PROVIDER_URL is not set");
  const env = {
    PORT: "0",
    CITY: "dakar",
    PAYMENT_PROVIDER_URL: "pay.example",
    PAYMENT_PROVIDER_SECRET: "short",
  };
  expect(() => readConfig(cityVariables, env)).toThrow(/PAYMENT_PROVIDER_URL: is not an http or https URL/);
  expect(() => readConfig(cityVariables, env)).toThrow(/PAYMENT_PROVIDER_SECRET: needs 16 characters/);
});

test.each([
  "https://user:pass-word@pay.example/teranga",
  "https://user@pay.example",
  "https://:pass-word@pay.example",
  "https://pay.example/teranga?token=secret",
  "https://pay.example/?",
  "https://pay.example/teranga#x",
])("%s holds what a payment's message cannot use, and is refused", (PAYMENT_PROVIDER_URL) => {
  const schema = cityVariables.pick({ PAYMENT_PROVIDER_URL: true });
  expect(() => readConfig(schema, { PAYMENT_PROVIDER_URL })).toThrow(
    /^Configuration: PAYMENT_PROVIDER_URL: may not have a user, a password, a query or a fragment$/,
  );
});
