/** Why a request to a service has no answer, and what that means. */

/**
 * What a failure tells about the endpoint:
 *
 * - `no-connection`: no program listens there.
 * - `timeout`: nothing arrived in time.
 * - `unfinished`: its answer had begun, and did not end in time. Smaller answers may fare better.
 * - `unable`: it broke the connection, or a proxy in front of it reports that no
 *   server answers behind (502 to 504).
 * - `bad-answer`: it answered this operation with something useless. Other operations may fare better.
 * - `not-theirs`: nothing. The cause is on our side or in the request: an answer that is too large, a path
 *   that does not exist.
 * - `no-room`: nothing. We have no room for the answer, so no other instance could help.
 */
export type TransportFault =
  | "no-connection"
  | "timeout"
  | "unfinished"
  | "unable"
  | "bad-answer"
  | "not-theirs"
  | "no-room";

interface FailureDetails extends ErrorOptions {
  fault?: TransportFault;
  said?: string;
}

/**
 * A request without an answer. `refused`: the service certainly did not act on the request. It was never
 * sent, or the service refused it before execution. `unknown`: the service may have acted.
 */
export class TransportError extends Error {
  override name = "TransportError";
  readonly effect: "refused" | "unknown";
  readonly fault: TransportFault;
  /** The message for a client, if the client can do anything about it. */
  readonly said: string | undefined;
  constructor(
    effect: "refused" | "unknown",
    message: string,
    { fault = "bad-answer", said, ...options }: FailureDetails = {},
  ) {
    super(message, options);
    this.effect = effect;
    this.fault = fault;
    this.said = said;
  }
}
