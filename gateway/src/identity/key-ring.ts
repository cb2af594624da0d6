/**
 * The keys by which clients' tokens are checked, as they were last read from their issuer.
 *
 * - `none`: no keys were ever read.
 * - `fresh`: the last reading succeeded.
 * - `failing`: readings fail since a time; the keys of before are used for up to KEPT_MS from then.
 *
 * Without that bound, whoever has stolen a key could use it for as long as the issuer is kept from answering.
 */
import { createPublicKey } from "node:crypto";
import type { Logger } from "@teranga/kit/process/log.ts";
import { createLocalJWKSet, type JWTVerifyGetKey } from "jose";
import { z } from "zod";

/** How long keys are used when no others can be read. */
export const KEPT_MS = 3_600_000;
/** The greatest issuers have five. */
const KEYS_MAX = 100;
export const JWKS_BYTES_MAX = 256 * 1024;
const RSA_BITS_MIN = 2_048;

/** Compared by identity: other keys are another object. */
export interface Keys {
  /** The key that a token's header names. @throws jose's errors */
  find: JWTVerifyGetKey;
  count: number;
  /** What they were read from. */
  text: string;
}

type State =
  | { kind: "none" }
  | { kind: "fresh"; keys: Keys }
  | { kind: "failing"; keys: Keys; sinceMs: number };

export interface KeyRingTerms {
  log: Logger;
  /** On a clock that never goes back. */
  nowMs: () => number;
}

export class KeyRing {
  readonly #terms: KeyRingTerms;
  #state: State = { kind: "none" };

  constructor(terms: KeyRingTerms) {
    this.#terms = terms;
  }

  /** Undefined if none could be read, or not for too long. */
  get keys(): Keys | undefined {
    const state = this.#state;
    switch (state.kind) {
      case "none":
        return undefined;
      case "fresh":
        return state.keys;
      case "failing":
        return this.#terms.nowMs() - state.sinceMs < KEPT_MS ? state.keys : undefined;
      default:
        return state satisfies never;
    }
  }

  /** Notes what was read. @returns why it is of no use, if it is */
  take(text: string): string | undefined {
    const known = this.#state.kind === "none" ? undefined : this.#state.keys;
    if (known?.text === text) {
      this.#state = { kind: "fresh", keys: known };
      return undefined;
    }
    const read = readKeys(text);
    if (typeof read === "string") {
      this.miss(read);
      return read;
    }
    this.#state = { kind: "fresh", keys: read };
    this.#terms.log.info({ keys: read.count }, "the keys of clients' tokens have been read");
    return undefined;
  }

  /** Notes that nothing could be read. */
  miss(reason: string): void {
    const { log, nowMs } = this.#terms;
    log.warn({ reason }, "the keys of clients' tokens cannot be read");
    if (this.#state.kind === "fresh") {
      this.#state = { kind: "failing", keys: this.#state.keys, sinceMs: nowMs() };
    }
  }
}

const jwks = z.object({ keys: z.array(z.record(z.string(), z.unknown())).max(KEYS_MAX) });

/** @returns the keys, or why there are none */
function readKeys(text: string): Keys | string {
  if (text.length > JWKS_BYTES_MAX) return "it is too long";
  let found: z.infer<typeof jwks>;
  try {
    found = jwks.parse(JSON.parse(text));
  } catch {
    return "it is no JSON Web Key Set";
  }
  const usable = found.keys.filter(isPublicKey);
  // An issuer that publishes no key at all has withdrawn them. One that publishes others is misunderstood.
  if (usable.length === 0 && found.keys.length > 0) return "none of its keys is a public key for signatures";
  return { find: createLocalJWKSet({ keys: usable as never }), count: usable.length, text };
}

/** A key of another kind must not keep the others from being used. */
function isPublicKey(jwk: Record<string, unknown>): boolean {
  if (jwk.d !== undefined || jwk.k !== undefined) return false;
  if (jwk.use !== undefined && jwk.use !== "sig") return false;
  try {
    const { asymmetricKeyDetails } = createPublicKey({ key: jwk, format: "jwk" });
    return (asymmetricKeyDetails?.modulusLength ?? RSA_BITS_MIN) >= RSA_BITS_MIN;
  } catch {
    return false;
  }
}
