/** Reads undici's errors: why a request got no answer, and what that means. */
import { tooLarge } from "./transport-answer.ts";
import { TransportError, type TransportFault } from "./transport-error.ts";

/** undici's codes for a request that it does not even try to send: an invalid header, a closed transport. */
const NOT_THEIRS = new Set([
  "UND_ERR_INVALID_ARG",
  "UND_ERR_NOT_SUPPORTED",
  "UND_ERR_CLOSED",
  "UND_ERR_DESTROYED",
]);

/** @param hasLeft whether the request was sent, so that the other side may have acted */
export function asTransportError(error: Error, hasLeft: boolean): TransportError {
  const { code = "", message } = error as NodeJS.ErrnoException;
  if (code === "UND_ERR_RES_EXCEEDED_MAX_SIZE") return tooLarge(error);
  const effect = hasLeft ? "unknown" : "refused";
  return new TransportError(effect, `did not answer (${code || message})`, {
    cause: error,
    fault: faultOf(code, hasLeft),
  });
}

function faultOf(code: string, hasLeft: boolean): TransportFault {
  if (NOT_THEIRS.has(code)) return "not-theirs";
  if (code === "UND_ERR_CONNECT_TIMEOUT") return "timeout";
  // The answer is not HTTP, or has more headers than undici reads.
  if (code.startsWith("HPE_") || code === "UND_ERR_HEADERS_OVERFLOW") return "bad-answer";
  return hasLeft ? "unable" : "no-connection";
}
