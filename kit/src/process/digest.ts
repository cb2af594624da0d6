/** Digests of requests. */
import { createHash } from "node:crypto";

/**
 * Of everything that makes two requests the same: an idempotency key that comes back with another digest is
 * refused.
 */
export function digest(canonical: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(canonical)).digest("hex");
}
