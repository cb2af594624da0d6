/**
 * The service credential: a secret that all services of a cluster share and no client has. A subgraph answers
 * only requests that carry it, so the protocol's mutations cannot be called from outside.
 */
import { createHash, timingSafeEqual } from "node:crypto";

/** The header value that carries the credential. */
export function authorization(credential: string): string {
  return `Bearer ${credential}`;
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
