/** Goal: the local cluster's tokens are accepted by its gateway, and by no other. Method: homes, keys. */
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { identityVariables, readIdentity } from "@teranga/gateway/identity/identity-config.ts";
import { openIdentity } from "@teranga/gateway/identity/open-identity.ts";
import type { Identity } from "@teranga/kit/identity/identity.ts";
import { readConfig } from "@teranga/kit/process/config.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { pathsOf } from "./home.ts";
import { issuerVariables, issueToken, keepTokenKey } from "./token-issuer.ts";

let homes: string[];
beforeEach(async () => {
  homes = [];
  for (const name of ["one", "other"]) {
    homes.push(await mkdtemp(join(tmpdir(), `teranga-token-${name}-`)));
    await keepTokenKey(homes.at(-1)!);
  }
});
afterEach(async () => {
  for (const home of homes) await rm(home, { recursive: true, force: true });
});

/** Who asks a gateway of the home with a token. */
async function accepted(home: string, token: string): Promise<Identity> {
  const config = readConfig(z.object(identityVariables), issuerVariables(home, {}));
  const means = await openIdentity(readIdentity(config, true), createLogger("test", "silent"));
  try {
    return await means.identify([`Bearer ${token}`]);
  } finally {
    await means.close();
  }
}

const minutes = 60;

test.each<Parameters<typeof issueToken>[1]>([
  { role: "client", clientId: "thies:2" },
  { role: "city-operator", subject: "development", cityId: "saint-louis" },
  { role: "company-operator", subject: "development" },
])("$role", async (identity) => {
  const token = await issueToken(homes[0]!, identity, { minutes, nowMs: Date.now() });
  expect(await accepted(homes[0]!, token)).toEqual(identity);
  await expect(accepted(homes[1]!, token)).rejects.toMatchObject({ extensions: { code: "TOKEN_INVALID" } });
});

test("a token is valid for its minutes, and the key stays the same from start to start", async () => {
  const identity = { role: "client", clientId: "thies:2" } as const;
  const nowMs = Date.now() - 2 * 60_000;
  const expired = await issueToken(homes[0]!, identity, { minutes: 1, nowMs });
  await expect(accepted(homes[0]!, expired)).rejects.toMatchObject({ extensions: { code: "TOKEN_EXPIRED" } });
  const valid = await issueToken(homes[0]!, identity, { minutes: 3, nowMs });
  await keepTokenKey(homes[0]!);
  expect(await accepted(homes[0]!, valid)).toEqual(identity);
});

test("only the owner of the home can read the key", async () => {
  expect((await stat(pathsOf(homes[0]!).tokenKey)).mode & 0o777).toBe(0o600);
});

test("an operator's own issuer takes the place of this one", () => {
  expect(issuerVariables(homes[0]!, { JWKS_URL: "https://issuer.example/jwks" })).toEqual({});
});
