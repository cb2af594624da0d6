/**
 * Goal: the tokens of a real identity provider are understood, with its keys at its `jwks_uri`, and those
 * that it issues for others are refused. Method: `oidc-provider`, and a gateway's door.
 */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createLogger } from "@teranga/kit/process/log.ts";
import { exportJWK, generateKeyPair } from "jose";
import Provider, { errors, type KoaContextWithOIDC } from "oidc-provider";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Door, startDoor } from "../fixture/door.ts";
import { type OpenIdentity, openIdentity } from "../identity/open-identity.ts";

const SHOP = "https://shop.example/graphql";
const OTHER = "https://other.example/";
const SCOPES = "client city:operate company:operate";
const SECRET = "a-secret-for-the-tests-of-tokens";

let server: Server;
let issuer: string;
let identity: OpenIdentity;
let door: Door;

beforeAll(async () => {
  server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  server.on("request", (await makeProvider(issuer)).callback());
  const { jwks_uri: url } = await discovery();
  const terms = { issuer, audience: SHOP, algorithms: ["RS256"], clockSkewS: 30 } as const;
  const tokens = { ...terms, keys: { kind: "url", url } } as const;
  identity = await openIdentity({ tokens, tokenless: { role: "visitor" } }, createLogger("test", "silent"));
  door = await startDoor({}, { identity });
});
afterAll(async () => {
  await door.close();
  await identity.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const discovery = async () =>
  (await (await fetch(`${issuer}/.well-known/openid-configuration`)).json()) as {
    jwks_uri: string;
    token_endpoint: string;
  };

async function makeProvider(url: string): Promise<Provider> {
  const { privateKey } = await generateKeyPair("RS256", { extractable: true });
  const client = (client_id: string, grant: string) => ({
    client_id,
    client_secret: SECRET,
    grant_types: [grant],
    redirect_uris: [],
    response_types: [],
    token_endpoint_auth_method: "client_secret_post" as const,
    scope: SCOPES,
  });
  const provider = new Provider(url, {
    clients: [client("back-office", "client_credentials"), client("shop-window", "password")],
    jwks: { keys: [{ ...(await exportJWK(privateKey)), use: "sig", alg: "RS256", kid: "of today" }] },
    cookies: { keys: [SECRET] },
    ttl: { AccessToken: 600, ClientCredentials: 600, Grant: 600 },
    scopes: SCOPES.split(" "),
    findAccount: (_context, accountId) => ({ accountId, claims: async () => ({ sub: accountId }) }),
    // An identity provider knows which city its operators work for.
    extraTokenClaims: (_context, { scope }) => (scope === "city:operate" ? { city: "thies" } : undefined),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, audience) => ({
          audience,
          scope: SCOPES,
          accessTokenFormat: "jwt",
          jwt: { sign: { alg: "RS256" } },
        }),
      },
    },
  });
  provider.registerGrantType("password", byPassword(provider), ["username", "password", "resource", "scope"]);
  return provider;
}

/** A client of the shop, by name and password: the shortest of the ways in which a person gets a token. */
const byPassword = (provider: Provider) => async (context: KoaContextWithOIDC) => {
  const { params, client } = context.oidc;
  const { username, password, resource, scope } = params as Record<string, string>;
  if (password !== SECRET) throw new errors.InvalidGrant("wrong password");
  const grant = new provider.Grant({ accountId: username!, clientId: client!.clientId });
  grant.addResourceScope(resource!, scope!);
  const token = new provider.AccessToken({
    accountId: username!,
    client: client!,
    grantId: await grant.save(),
    gty: "password",
    scope: scope!,
  } as never);
  token.resourceServer = new provider.ResourceServer(resource!, {
    audience: resource!,
    scope: SCOPES,
    accessTokenFormat: "jwt",
    jwt: { sign: { alg: "RS256" } },
  });
  context.body = { access_token: await token.save(), token_type: "Bearer" };
};

async function tokenOf(form: Record<string, string>): Promise<string> {
  const { token_endpoint } = await discovery();
  const body = new URLSearchParams({ client_secret: SECRET, resource: SHOP, ...form });
  const answer = await fetch(token_endpoint, { method: "POST", body });
  const { access_token: token, ...problem } = (await answer.json()) as { access_token?: string };
  if (token === undefined) throw new Error(JSON.stringify(problem));
  return token;
}

const ofOffice = (scope: string, resource = SHOP) =>
  tokenOf({ client_id: "back-office", grant_type: "client_credentials", scope, resource });

async function whoAsks(token: string): Promise<unknown> {
  const answer = await fetch(door.url, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: "{ whoAsks }" }),
  });
  const { data, errors: told } = (await answer.json()) as {
    data?: { whoAsks: string };
    errors?: { extensions: object }[];
  };
  return data ? JSON.parse(data.whoAsks) : told![0]!.extensions;
}

test("a person's token is a client's", async () => {
  const form = { client_id: "shop-window", grant_type: "password", username: "thies:2", password: SECRET };
  expect(await whoAsks(await tokenOf({ ...form, scope: "client" }))).toEqual({
    role: "client",
    clientId: "thies:2",
  });
});

test("a program's token is an operator's, of the city that the provider says", async () => {
  expect(await whoAsks(await ofOffice("city:operate"))).toEqual({
    role: "city-operator",
    subject: "back-office",
    cityId: "thies",
  });
  expect(await whoAsks(await ofOffice("company:operate"))).toEqual({
    role: "company-operator",
    subject: "back-office",
  });
});

test("a token that the same provider issues for another graph is refused", async () => {
  expect(await whoAsks(await ofOffice("company:operate", OTHER))).toEqual({
    code: "TOKEN_INVALID",
    reason: "audience",
  });
});

test("a token with two roles, or of a program that says it is a client, is refused", async () => {
  expect(await whoAsks(await ofOffice("client company:operate"))).toEqual({
    code: "TOKEN_INVALID",
    reason: "scope",
  });
  expect(await whoAsks(await ofOffice("client"))).toEqual({ code: "TOKEN_INVALID", reason: "subject" });
});
