/**
 * The service credential: a secret that every service of a cluster shares and that no client has.
 * A subgraph answers only requests that carry it, so the protocol's mutations cannot be reached from outside.
 */
import { createHash, timingSafeEqual } from "node:crypto";

/** The header value that carries the credential. */
export function authorization(credential: string): string {
  return `Bearer ${credential}`;
}

/** Whether a request's Authorization header carries the credential. Takes the same time wherever they differ. */
export function isAuthorized(header: string | undefined, credential: string): boolean {
  return timingSafeEqual(digest(header ?? ""), digest(authorization(credential)));
}

/** Hashing first makes both sides equally long, as timingSafeEqual asks. */
function digest(value: string): Buffer {
  return createHash("sha256").update(value).digest();
}
