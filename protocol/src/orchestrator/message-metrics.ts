/** What is counted and timed of messages. */
export interface MessageMetrics {
  /** Somebody wants to send a message; to be called back when it is answered, or nobody will answer it. */
  messageBegins(message: string): (result: string) => void;
  /** Messages leave together. */
  batchSent(message: string, messages: number): void;
  /** A city has answered VIOLATION. */
  alarmed(message: string): void;
}
