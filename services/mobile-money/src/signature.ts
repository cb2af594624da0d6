/** Checks that a message comes from the shop. docs/payments.md describes the signature. */
import { createHmac, timingSafeEqual } from "node:crypto";

/** The largest difference between the clocks of the two sides, in seconds. */
const SKEW_MAX_S = 300;

const FORM = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/;

/**
 * @param header `teranga-signature`
 * @param message `authorise`, `capture`, `void` or `refund`
 * @param body the body as received, before it is parsed
 */
export function isSigned(
  { header, message, body }: { header: unknown; message: string; body: string },
  secret: string,
  nowMs: number,
): boolean {
  const [, seconds, signature] = FORM.exec(String(header)) ?? [];
  if (seconds === undefined || signature === undefined) return false;
  if (Math.abs(nowMs / 1_000 - Number(seconds)) > SKEW_MAX_S) return false;
  const expected = createHmac("sha256", secret).update(`${seconds}.${message}.${body}`).digest();
  return timingSafeEqual(expected, Buffer.from(signature, "hex"));
}
