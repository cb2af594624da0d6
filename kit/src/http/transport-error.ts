/** Why a request to a service has no answer, and what that says. */

/**
 * What a failure says of the endpoint:
 *
 * - `no-connection`: nobody listens there.
 * - `timeout`: nothing was heard in time.
 * - `unable`: it broke the connection, or a proxy before it says that nobody answers behind (502 to 504).
 * - `bad-answer`: it answered this operation with something useless. Others may fare better.
 * - `not-theirs`: nothing at all. It is our own doing, or the request's: an answer too large, a path that is
 *   not there.
 */
export type TransportFault = "no-connection" | "timeout" | "unable" | "bad-answer" | "not-theirs";

interface FailureDetails extends ErrorOptions {
  fault?: TransportFault;
  said?: string;
}

/**
 * Why there is no answer. `refused`: it is certain that the service did not act on the request (it has not
 * left, or the service refused us before execution). `unknown`: it may or may not have.
 */
export class TransportError extends Error {
  override name = "TransportError";
  readonly effect: "refused" | "unknown";
  readonly fault: TransportFault;
  /** The same in words for a client, if it can do anything about it. */
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
