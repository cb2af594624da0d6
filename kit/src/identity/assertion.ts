/**
 * The assertion by which a gateway tells a service who asks: a JSON Web Token for this subgraph alone, valid
 * for a minute, signed with a key that is made of the service credential. A service that asks another one
 * only says so: it has shown the credential, with which it could sign anything.
 */
import { createSecretKey, hkdfSync, type KeyObject } from "node:crypto";
import { jwtVerify, SignJWT } from "jose";
import { LRUCache } from "lru-cache";
import { z } from "zod";
import { type Identity, SERVICE } from "./identity.ts";

/** The header of a request to a service that holds the assertion. Without it a visitor asks. */
export const IDENTITY_HEADER = "x-identity";
/** The header's value for a request of a service. */
export const BY_SERVICE = "service";

const ALGORITHM = "HS256";
const ISSUER = "teranga";
const VALID_S = 60;
/**
 * For so long the same identity's assertion is the same text. Equal queries of one identity then have equal
 * headers, and share one request.
 */
const KEPT_S = 30;
/** How far the clocks of a gateway and a service may be apart. */
const SKEW_S = 30;
/** Identities that ask within half a minute. A greater number costs a signature (60 µs) each time. */
const KEPT_MAX = 10_000;

const claims = z.discriminatedUnion("role", [
  z.object({ role: z.literal("client"), clientId: z.string() }),
  z.object({ role: z.literal("city-operator"), subject: z.string(), cityId: z.string() }),
  z.object({ role: z.literal("company-operator"), subject: z.string() }),
]);

export interface AssertionTerms {
  /** The secrets that the cluster's services share; the first signs. */
  credentials: readonly [string, ...string[]];
  /** Milliseconds since 1970. */
  nowMs: () => number;
}

interface Verified {
  identity: Identity;
  untilMs: number;
}

interface Made {
  text: Promise<string>;
  untilMs: number;
}

export class Assertions {
  readonly #keys: readonly [KeyObject, ...KeyObject[]];
  readonly #nowMs: () => number;
  readonly #made = new LRUCache<string, Made>({ max: KEPT_MAX });
  /** The same, by an identity's object: with a text as the key it took 3 µs a fetch. */
  readonly #madeFor = new WeakMap<Identity, Map<string, Made>>();
  readonly #verified = new LRUCache<string, Verified>({ max: KEPT_MAX });

  constructor({ credentials: [first, ...others], nowMs }: AssertionTerms) {
    this.#keys = [keyOf(first), ...others.map(keyOf)];
    this.#nowMs = nowMs;
  }

  /**
   * The value of the header for a subgraph. Undefined for a visitor, who has none.
   * @param subgraph its name in the supergraph, for example `city`
   */
  for(identity: Identity, subgraph: string): Promise<string> | undefined {
    if (identity.role === "visitor") return undefined;
    if (identity.role === "service") return Promise.resolve(BY_SERVICE);
    const nowMs = this.#nowMs();
    const own = this.#madeFor.get(identity) ?? new Map<string, Made>();
    const last = own.get(subgraph);
    if (last && last.untilMs > nowMs) return last.text;
    const key = JSON.stringify([subgraph, identity]);
    const known = this.#made.get(key);
    const made = known && known.untilMs > nowMs ? known : this.#make(identity, subgraph, nowMs);
    this.#made.set(key, made);
    this.#madeFor.set(identity, own.set(subgraph, made));
    return made.text;
  }

  #make(identity: Identity, subgraph: string, nowMs: number): Made {
    const issuedS = Math.floor(nowMs / 1_000);
    const text = new SignJWT({ ...identity })
      .setProtectedHeader({ alg: ALGORITHM })
      .setIssuer(ISSUER)
      .setAudience(subgraph)
      .setIssuedAt(issuedS)
      .setExpirationTime(issuedS + VALID_S)
      .sign(this.#keys[0]);
    return { text, untilMs: nowMs + KEPT_S * 1_000 };
  }

  /**
   * Who asks, by the header of a request to this subgraph.
   * @returns undefined if the assertion is forged, too old, or for another subgraph
   */
  async read(header: string, subgraph: string): Promise<Identity | undefined> {
    if (header === BY_SERVICE) return SERVICE;
    const nowMs = this.#nowMs();
    const key = JSON.stringify([subgraph, header]);
    const known = this.#verified.get(key);
    if (known && known.untilMs > nowMs) return known.identity;
    const found = await this.#verify(header, subgraph, nowMs);
    if (found) this.#verified.set(key, found);
    return found?.identity;
  }

  async #verify(header: string, subgraph: string, nowMs: number): Promise<Verified | undefined> {
    for (const key of this.#keys) {
      try {
        const { payload } = await jwtVerify(header, key, {
          algorithms: [ALGORITHM],
          issuer: ISSUER,
          audience: subgraph,
          requiredClaims: ["exp"],
          clockTolerance: SKEW_S,
          maxTokenAge: VALID_S + SKEW_S,
          currentDate: new Date(nowMs),
        });
        return { identity: claims.parse(payload), untilMs: payload.exp! * 1_000 };
      } catch {
        // The next key may be the one that signed it.
      }
    }
    return undefined;
  }
}

function keyOf(credential: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync("sha256", credential, "", "teranga-identity", 32)));
}
