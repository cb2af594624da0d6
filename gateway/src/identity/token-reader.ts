/**
 * Reads clients' tokens: JSON Web Tokens that their issuer has signed. A token that was accepted is
 * remembered, since a signature takes 100 µs to check and a client sends the same token with each request
 * (docs/identity.md has the figures). It is remembered until it expires, or until the keys change.
 */
import { hash } from "node:crypto";
import type { Identity } from "@teranga/kit/identity/identity.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import { GraphQLError } from "graphql";
import { errors, type JWTVerifyGetKey, jwtVerify } from "jose";
import { LRUCache } from "lru-cache";
import { identityOf } from "./claims.ts";
import type { Keys } from "./key-ring.ts";
import type { KeySource } from "./key-source.ts";
import {
  earlyToken,
  expiredToken,
  invalidToken,
  keysUnavailable,
  type TokenFault,
} from "./token-refusals.ts";

/** The signatures that only the holder of a private key can make. */
export const ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
] as const;

export type Algorithm = (typeof ALGORITHMS)[number];

/** What a token must be to be accepted. */
export interface TokenTerms {
  issuer: string;
  audience: string;
  algorithms: readonly Algorithm[];
  /** How far the issuer's clock and ours may be apart. */
  clockSkewS: number;
}

/** An issuer's tokens have one or two kilobytes; the headers of a request may have 16. */
const TOKEN_LENGTH_MAX = 8_192;
/** A remembered token takes 300 bytes. */
const REMEMBERED_MAX = 10_000;

interface Remembered {
  identity: Identity;
  untilMs: number;
}

export interface TokenReaderParts {
  source: KeySource;
  log: Logger;
  /** Milliseconds since 1970. */
  nowMs: () => number;
}

export class TokenReader {
  readonly #terms: TokenTerms;
  readonly #parts: TokenReaderParts;
  /** By digest: the memory of the process holds no tokens. */
  readonly #remembered = new LRUCache<string, Remembered>({ max: REMEMBERED_MAX });
  /** The keys with which the remembered tokens were checked. */
  #rememberedBy: Keys | undefined;

  constructor(terms: TokenTerms, parts: TokenReaderParts) {
    this.#terms = terms;
    this.#parts = parts;
  }

  /** Who bears the token. @throws GraphQLError that says why it is not accepted */
  read(token: string): Identity | Promise<Identity> {
    if (token.length > TOKEN_LENGTH_MAX) throw invalidToken("too-long");
    const { source, nowMs } = this.#parts;
    if (source.keys !== this.#rememberedBy) {
      this.#remembered.clear();
      this.#rememberedBy = source.keys;
    }
    const digest = hash("sha256", token, "base64");
    const known = this.#remembered.get(digest);
    if (known && known.untilMs > nowMs()) return known.identity;
    return this.#verify(token, digest);
  }

  async #verify(token: string, digest: string): Promise<Identity> {
    const { issuer, audience, algorithms, clockSkewS } = this.#terms;
    const { source, nowMs, log } = this.#parts;
    let usedKeys: Keys | undefined;
    const findNow: JWTVerifyGetKey = (...named) => {
      usedKeys = source.keys;
      if (!usedKeys) throw keysUnavailable();
      return usedKeys.find(...named);
    };
    const find: JWTVerifyGetKey = async (...named) => {
      try {
        return await findNow(...named);
      } catch (error) {
        if (!isMissing(error)) throw error;
        await source.refresh();
        return findNow(...named);
      }
    };
    try {
      const { payload } = await jwtVerify(token, find, {
        issuer,
        audience,
        algorithms: [...algorithms],
        clockTolerance: clockSkewS,
        requiredClaims: ["exp"],
        currentDate: new Date(nowMs()),
      });
      const identity = identityOf(payload);
      const untilMs = (payload.exp! + clockSkewS) * 1_000;
      // The keys may have changed while the signature was checked.
      if (usedKeys === this.#rememberedBy) {
        this.#remembered.set(digest, { identity, untilMs });
      }
      return identity;
    } catch (error) {
      if (error instanceof GraphQLError) throw error;
      if (!(error instanceof errors.JOSEError)) log.warn({ err: error }, "a token could not be checked");
      throw refusalOf(error);
    }
  }
}

/** Whether a key was not found, or there are none. */
function isMissing(error: unknown): boolean {
  return error instanceof errors.JWKSNoMatchingKey || error instanceof GraphQLError;
}

/** What is told of an error of jose. */
function refusalOf(error: unknown): GraphQLError {
  if (error instanceof errors.JWTExpired) return expiredToken();
  if (error instanceof errors.JWTClaimValidationFailed) {
    const { claim, reason } = error;
    if (claim === "nbf" && reason === "check_failed") return earlyToken();
    return invalidToken(FAULTY_CLAIMS[claim] ?? "claims");
  }
  if (error instanceof errors.JOSEAlgNotAllowed) return invalidToken("algorithm");
  if (error instanceof errors.JWSSignatureVerificationFailed) return invalidToken("signature");
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) {
    return invalidToken("unknown-key");
  }
  return invalidToken("malformed");
}

const FAULTY_CLAIMS: Readonly<Record<string, TokenFault>> = { iss: "issuer", aud: "audience" };
