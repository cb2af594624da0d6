/** Opens what a gateway knows by who asks, and says in the log what it is. */
import type { Logger } from "@teranga/kit/process/log.ts";
import type { IdentityTerms } from "./identity-config.ts";
import { actAs, byToken, type IdentityMeans } from "./identity-means.ts";
import { openKeyEndpoint, openKeyFile } from "./key-source.ts";
import { TokenReader } from "./token-reader.ts";

export interface OpenIdentity extends IdentityMeans {
  close(): Promise<void>;
}

/** @throws StartupError if the key file cannot be used */
export async function openIdentity({ tokens, tokenless }: IdentityTerms, log: Logger): Promise<OpenIdentity> {
  if (tokenless.role !== "visitor") {
    log.warn({ identity: tokenless }, "whoever brings no token acts as this identity: development only");
  } else if (!tokens) {
    log.warn("there are no keys for tokens (JWT_ISSUER, JWKS_URL), so EVERYBODY IS A VISITOR");
  }
  if (!tokens) return { ...actAs(tokenless), close: async () => {} };
  const { keys: place } = tokens;
  const terms = { log, nowMs: () => performance.now() };
  const source =
    place.kind === "url" ? await openKeyEndpoint(place.url, terms) : await openKeyFile(place.file, terms);
  const reader = new TokenReader(tokens, { source, log, nowMs: () => Date.now() });
  return { ...byToken(reader, tokenless), close: () => source.close() };
}
