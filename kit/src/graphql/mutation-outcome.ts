/**
 * The answer to a mutation that may have been carried out: the connection to the database broke while its
 * statement was under way, or the look-up of its outcome failed. It applies only to the mutation's own field.
 * A failure below that field is a failure to read a result that exists.
 */
import type { GraphQLError, GraphQLFieldResolver } from "graphql";
import { isOutcomeUnknown } from "../postgres/broken-off.ts";
import { classifyDatabaseError } from "../postgres/database.ts";
import type { Logger } from "../process/log.ts";
import { codedError, ERROR_CODES, type ErrorCode } from "./errors.ts";

type AnyResolver = GraphQLFieldResolver<unknown, { requestLog: Logger }>;

/** The database went away between a write and the look-up of its outcome. */
class OutcomeUnseen extends Error {}

/**
 * Looks up the outcome of a mutation after a write has shown that the mutation is carried out, or may have
 * been by an earlier request with its key. If the database is away by then, the outcome is unknown.
 */
export async function seeOutcome<Result>(look: () => Promise<Result>): Promise<Result> {
  try {
    return await look();
  } catch (error) {
    if (classifyDatabaseError(error).kind !== "transient") throw error;
    throw new OutcomeUnseen("what a mutation has come to could not be read", { cause: error });
  }
}

interface Mutable {
  // biome-ignore lint/suspicious/noExplicitAny: resolver types are checked where they are written
  resolvers: any;
  /** The error for clients while the database is away. Its extensions name the service. */
  unavailable?: GraphQLError | undefined;
}

/** A service's resolvers, with mutations that answer OUTCOME_UNKNOWN if they may have been carried out. */
export function withOutcomes({ resolvers, unavailable }: Mutable) {
  if (!unavailable || !resolvers.Mutation) return resolvers;
  return { ...resolvers, Mutation: tellUnknownOutcomes(resolvers.Mutation, unavailable) };
}

/** @param unavailable its extensions name this service, for example `{ city: "dakar" }` */
export function tellUnknownOutcomes(
  mutations: Readonly<Record<string, AnyResolver>>,
  unavailable: GraphQLError,
): Record<string, AnyResolver> {
  const { code, ...where } = unavailable.extensions;
  const again = `${unavailable.message} The same may be sent again, with its idempotency key.`;
  const told = Object.entries(mutations).map(([name, resolve]): [string, AnyResolver] => [
    name,
    async (source, args, context, info) => {
      try {
        return await resolve(source, args, context, info);
      } catch (error) {
        if (!isOutcomeUnknown(error) && !(error instanceof OutcomeUnseen)) {
          if (classifyDatabaseError(error).kind !== "transient") throw error;
          context.requestLog.warn({ err: error, mutation: name }, "the database is away");
          throw codedError(code as ErrorCode, again, where);
        }
        context.requestLog.warn({ err: error, mutation: name }, "the database broke off during a mutation");
        throw codedError("OUTCOME_UNKNOWN", ERROR_CODES.OUTCOME_UNKNOWN, where);
      }
    },
  ]);
  return Object.fromEntries(told);
}
