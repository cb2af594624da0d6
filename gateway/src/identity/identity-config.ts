/** The environment variables that say who asks a gateway. */

import { type Identity, VISITOR } from "@teranga/kit/identity/identity.ts";
import { countVariable, StartupError } from "@teranga/kit/process/config.ts";
import { z } from "zod";
import { NAMED_IDENTITIES, namedIdentity } from "./named-identity.ts";
import { ALGORITHMS, type Algorithm, type TokenTerms } from "./token-reader.ts";

const USUAL_ALGORITHMS = ["RS256", "ES256", "EdDSA"] as const;

function isAlgorithm(name: string): name is Algorithm {
  return (ALGORITHMS as readonly string[]).includes(name);
}

/** Whoever sits between could put in keys of his own. */
function isSafeUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url?.protocol === "https:") return true;
  return url?.protocol === "http:" && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname);
}

export const identityVariables = {
  JWT_ISSUER: z
    .string()
    .optional()
    .describe("Who issues clients' tokens, as their claim `iss` says it (docs/identity.md)."),
  JWT_AUDIENCE: z
    .string()
    .optional()
    .describe("What the claim `aud` of a token must name, so that it is meant for this graph."),
  JWT_ALGORITHMS: z
    .string()
    .default(USUAL_ALGORITHMS.join(","))
    .transform((text) => text.split(",").map((name) => name.trim()))
    .refine((names) => names.every(isAlgorithm), `names others than ${ALGORITHMS.join(", ")}`)
    .transform((names) => names.filter(isAlgorithm))
    .describe("The algorithms by which tokens may be signed, with commas between."),
  JWKS_URL: z
    .string()
    .refine(isSafeUrl, "is not an https URL, or an http URL of this machine")
    .optional()
    .describe("Where the issuer shows its public keys (`jwks_uri`). It is asked each minute."),
  JWKS_FILE: z
    .string()
    .optional()
    .describe("The path of a file with the issuer's public keys, in place of `JWKS_URL`. It is watched."),
  JWT_CLOCK_SKEW_S: countVariable({ least: 0, most: 300, usual: 30 }).describe(
    "How far the issuer's clock may differ from the gateway's, in seconds.",
  ),
  DEVELOPMENT_IDENTITY: z
    .string()
    .refine((words) => namedIdentity(words) !== undefined, `is not ${NAMED_IDENTITIES}`)
    .optional()
    .describe(
      "Who asks without a token, in development: `company` by default, `city thies`, `client thies:2` or `visitor`. Refused in production.",
    ),
};

export type IdentityVariables = z.infer<z.ZodObject<typeof identityVariables>>;

export type KeyPlace = { kind: "url"; url: string } | { kind: "file"; file: string };

export interface IdentityTerms {
  /** Without them nobody has a token. */
  tokens: (TokenTerms & { keys: KeyPlace }) | undefined;
  /** Whoever brings no token. */
  tokenless: Identity;
}

/** @throws StartupError, one line, if the variables do not fit together */
export function readIdentity(variables: IdentityVariables, isDevelopment: boolean): IdentityTerms {
  const { DEVELOPMENT_IDENTITY: words } = variables;
  if (words !== undefined && !isDevelopment) {
    throw new StartupError("DEVELOPMENT_IDENTITY: is for NODE_ENV=development only");
  }
  const tokenless = isDevelopment ? namedIdentity(words ?? "company")! : VISITOR;
  return { tokens: readTokenTerms(variables), tokenless };
}

function readTokenTerms(variables: IdentityVariables): IdentityTerms["tokens"] {
  const { JWT_ISSUER: issuer, JWT_AUDIENCE: audience, JWKS_URL: url, JWKS_FILE: file } = variables;
  if (url !== undefined && file !== undefined) {
    throw new StartupError("JWKS_URL and JWKS_FILE: there is only one place of the keys");
  }
  const given = { JWT_ISSUER: issuer, JWT_AUDIENCE: audience, "JWKS_URL or JWKS_FILE": url ?? file };
  const missing = Object.entries(given).flatMap(([name, value]) => (value === undefined ? [name] : []));
  if (missing.length === Object.keys(given).length) return undefined;
  if (issuer === undefined || audience === undefined || missing.length > 0) {
    throw new StartupError(`${Object.keys(given).join(", ")} go together; missing: ${missing.join(", ")}`);
  }
  return {
    issuer,
    audience,
    algorithms: variables.JWT_ALGORITHMS,
    clockSkewS: variables.JWT_CLOCK_SKEW_S,
    keys: file === undefined ? { kind: "url", url: url! } : { kind: "file", file },
  };
}
