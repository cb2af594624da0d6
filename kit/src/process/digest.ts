/** Digests of requests. */
import { createHash } from "node:crypto";

/**
 * The digest of everything that makes two requests the same. An idempotency key that comes back with another
 * digest is refused.
 */
export function digest(canonical: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(canonical)).digest("hex");
}
