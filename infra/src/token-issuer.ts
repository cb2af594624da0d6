/**
 * Issues tokens for the local cluster, as an identity provider does for a real one: with a key of its own,
 * made once in the cluster's home, whose public half the gateway reads from a file there.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { readFile } from "node:fs/promises";
import { claimsOf } from "@teranga/gateway/identity/claims.ts";
import type { Identity } from "@teranga/kit/identity/identity.ts";
import { StartupError } from "@teranga/kit/process/config.ts";
import { SignJWT } from "jose";
import { keepSecret, noneIf, pathsOf, writeWhole } from "./home.ts";

const ALGORITHM = "ES256";
const ISSUER = "teranga-development";
const AUDIENCE = "teranga";
/** Where an operator says whose tokens the gateway accepts. */
const OWN_ISSUER = ["JWT_ISSUER", "JWT_AUDIENCE", "JWKS_URL", "JWKS_FILE"];

/** Makes the key if it is missing, and shows its public half. */
export async function keepTokenKey(home: string): Promise<void> {
  const { tokenKey, tokenKeys } = pathsOf(home);
  const key = await keepSecret(tokenKey, () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    return privateKey.export({ format: "der", type: "pkcs8" }).toString("base64url");
  });
  const jwk = createPublicKey(privateKeyOf(key)).export({ format: "jwk" });
  await writeWhole(tokenKeys, `${JSON.stringify({ keys: [{ ...jwk, alg: ALGORITHM, use: "sig" }] })}\n`);
}

const privateKeyOf = (text: string) =>
  createPrivateKey({ key: Buffer.from(text, "base64url"), format: "der", type: "pkcs8" });

/** The gateway's variables for these tokens; none if the operator has an issuer of his own. */
export function issuerVariables(home: string, env: NodeJS.ProcessEnv): Record<string, string> {
  if (OWN_ISSUER.some((name) => env[name])) return {};
  return { JWT_ISSUER: ISSUER, JWT_AUDIENCE: AUDIENCE, JWKS_FILE: pathsOf(home).tokenKeys };
}

/** @throws StartupError if no cluster has been started in the home */
export async function issueToken(
  home: string,
  identity: Parameters<typeof claimsOf>[0],
  { minutes, nowMs }: { minutes: number; nowMs: number },
): Promise<string> {
  const key = await readFile(pathsOf(home).tokenKey, "utf8").catch(noneIf("ENOENT", "ENOTDIR"));
  if (key === undefined) throw new StartupError(`There is no key in ${home} yet: npm start makes it`);
  const nowS = Math.floor(nowMs / 1_000);
  return new SignJWT(claimsOf(identity))
    .setProtectedHeader({ alg: ALGORITHM })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setIssuedAt(nowS)
    .setExpirationTime(nowS + minutes * 60)
    .sign(privateKeyOf(key.trim()));
}

/** Whether an identity may have a token. */
export function mayHaveToken(identity: Identity): identity is Parameters<typeof claimsOf>[0] {
  return identity.role !== "visitor" && identity.role !== "service";
}
