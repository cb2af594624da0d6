/** Answers to clients that several operations share. */
import { codedError, ERROR_CODES } from "@teranga/kit/graphql/errors.ts";
import type {
  IdempotencyKeyReused,
  OutcomeUnknown,
  UnknownClient,
} from "@teranga/schema/generated/orders.ts";

/** A member of the schema's result unions, with the name of its type. */
export type Named<Type extends { __typename?: string }> = Type & Required<Pick<Type, "__typename">>;

export function unknownClient(clientId: string): Named<UnknownClient> {
  return { __typename: "UnknownClient", message: "There is no client of this id.", clientId };
}

/** @param of the transaction that the key stands for and, if it placed one, the order */
export function keyReused(of: { transactionId: string; orderId?: string }): Named<IdempotencyKeyReused> {
  return {
    __typename: "IdempotencyKeyReused",
    message: "This idempotency key was used before, for another request. Nothing was changed.",
    transaction: { id: of.transactionId },
    order: of.orderId === undefined ? null : { id: of.orderId },
  };
}

/** @param what what may have happened, for example "the order is placed" */
export function outcomeUnknown(
  what: string,
  transactionId: string,
  idempotencyKey: string,
): Named<OutcomeUnknown> {
  return {
    __typename: "OutcomeUnknown",
    message: `Whether ${what} is not known. Send the same request again with this idempotency key.`,
    transactionId,
    idempotencyKey,
  };
}

/** The error for a city that is needed and does not answer. Nothing was changed. */
export function cityUnavailable(cityId: string): Error {
  return codedError("CITY_UNAVAILABLE", `The city "${cityId}" is unavailable. Nothing was changed.`, {
    city: cityId,
  });
}

/**
 * Only the look-up of the key is left to do, and its city does not answer: it is unknown whether an earlier
 * try has succeeded.
 */
export function outcomeUnseen(cityId: string): Error {
  return codedError("OUTCOME_UNKNOWN", ERROR_CODES.OUTCOME_UNKNOWN, { city: cityId });
}

export function catalogUnavailable(): Error {
  return codedError("SUBGRAPH_UNAVAILABLE", "The catalog is unavailable. Nothing was changed.", {
    subgraph: "catalog",
  });
}

/** A city reports a violation: a fault of ours. */
export function protocolViolation(cityId: string): Error {
  return codedError("PROTOCOL_VIOLATION", "A city refused a message of the commit protocol.", {
    city: cityId,
  });
}
