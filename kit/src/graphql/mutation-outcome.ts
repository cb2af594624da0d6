/**
 * What is said of a mutation that may have been carried out: its statement was sent while the connection to
 * the database broke, or the look at what it has come to failed. Only of the mutation's own field; what fails
 * below it is the reading of a result that is there.
 */
import type { GraphQLError, GraphQLFieldResolver } from "graphql";
import { isOutcomeUnknown } from "../postgres/broken-off.ts";
import { classifyDatabaseError } from "../postgres/database.ts";
import type { Logger } from "../process/log.ts";
import { codedError, ERROR_CODES } from "./errors.ts";

type AnyResolver = GraphQLFieldResolver<unknown, { requestLog: Logger }>;

/** The database went away between a write and the look at what has come of it. */
class OutcomeUnseen extends Error {}

/**
 * Looks at what has become of a mutation, once a write has shown that it is carried out, or may have been by
 * an earlier sending of its key. A database that is away by then has done nothing now, and says nothing of
 * that.
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
  /** What is said when the database is away. Its extensions name the service. */
  unavailable?: GraphQLError | undefined;
}

/** The resolvers of a service, whose mutations say when it is not known whether they were carried out. */
export function withOutcomes({ resolvers, unavailable }: Mutable) {
  if (!unavailable || !resolvers.Mutation) return resolvers;
  const { code: _, ...where } = unavailable.extensions;
  return { ...resolvers, Mutation: tellUnknownOutcomes(resolvers.Mutation, where) };
}

/** @param where the extensions that name this service, for example `{ city: "dakar" }` */
export function tellUnknownOutcomes(
  mutations: Readonly<Record<string, AnyResolver>>,
  where: Record<string, unknown>,
): Record<string, AnyResolver> {
  const told = Object.entries(mutations).map(([name, resolve]): [string, AnyResolver] => [
    name,
    async (source, args, context, info) => {
      try {
        return await resolve(source, args, context, info);
      } catch (error) {
        if (!isOutcomeUnknown(error) && !(error instanceof OutcomeUnseen)) throw error;
        context.requestLog.warn({ err: error, mutation: name }, "the database broke off during a mutation");
        throw codedError("OUTCOME_UNKNOWN", ERROR_CODES.OUTCOME_UNKNOWN, where);
      }
    },
  ]);
  return Object.fromEntries(told);
}
