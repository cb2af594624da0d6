/** The metrics of messages. */
export interface MessageMetrics {
  /**
   * A caller wants to send a message. The returned function is called with the result, once there is an
   * answer or a failure.
   */
  messageBegins(message: string): (result: string) => void;
  /** Messages leave together in one request. */
  batchSent(message: string, messages: number): void;
  /** A city has answered VIOLATION. */
  alarmed(message: string): void;
}
