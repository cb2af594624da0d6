/**
 * Checks that a message has its form (messages.ts) and is meant for this city. A wrong message must not reach
 * the database, where a value that cannot be stored would fail the whole batch.
 */
import {
  type CancellationCommit,
  cancellationCommit,
  type DecideMessage,
  decideMessage,
  homeOf,
  type OrderCommit,
  type OutcomeMessage,
  orderCommit,
  outcomeMessage,
  type PrepareMessage,
  prepareMessage,
  type TransferCommit,
  transferCommit,
} from "../messages.ts";

/** The city that has received the message. */
interface Here {
  id: string;
}

export function prepareIsSound(message: PrepareMessage, { id }: Here): boolean {
  return prepareMessage.safeParse(message).success && homeOf(message.transactionId) !== id;
}

export function decisionIsSound(message: DecideMessage, { id }: Here): boolean {
  return decideMessage.safeParse(message).success && homeOf(message.transactionId) !== id;
}

export function outcomeIsSound(message: OutcomeMessage, { id }: Here): boolean {
  return outcomeMessage.safeParse(message).success && homeOf(message.transactionId) === id;
}

/** The order is of this city's client. */
export function orderIsSound(message: OrderCommit, { id }: Here): boolean {
  const { transactionId, clientId } = message;
  return orderCommit.safeParse(message).success && [transactionId, clientId].every((of) => homeOf(of) === id);
}

/** The cancelled order is of this city. */
export function cancellationIsSound(message: CancellationCommit, { id }: Here): boolean {
  const { transactionId, orderId } = message;
  return (
    cancellationCommit.safeParse(message).success && [transactionId, orderId].every((of) => homeOf(of) === id)
  );
}

/** The transfer goes from another city to this one. */
export function transferIsSound(message: TransferCommit, { id }: Here): boolean {
  const { transactionId, fromCityId } = message;
  return transferCommit.safeParse(message).success && homeOf(transactionId) === id && fromCityId !== id;
}
