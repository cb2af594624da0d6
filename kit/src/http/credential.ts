/**
 * The service credential: a secret that all services of a cluster share and no client has. A subgraph answers
 * only requests that carry it, so the protocol's mutations cannot be called from outside.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { BY_SERVICE, IDENTITY_HEADER } from "../identity/assertion.ts";

/** The header value that carries the credential. */
export function authorization(credential: string): string {
  return `Bearer ${credential}`;
}

/** The headers of a request that a service makes on its own behalf. */
export function serviceHeaders(credential: string): Record<string, string> {
  return { authorization: authorization(credential), [IDENTITY_HEADER]: BY_SERVICE };
}

/**
 * Whether a request's Authorization header carries the credential. The time does
 * not depend on where they differ.
 */
export function isAuthorized(header: string | undefined, credential: string): boolean {
  return timingSafeEqual(digest(header ?? ""), digest(authorization(credential)));
}

/** timingSafeEqual needs two values of equal length. */
function digest(value: string): Buffer {
  return createHash("sha256").update(value).digest();
}
