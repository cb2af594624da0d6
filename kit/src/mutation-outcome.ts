/**
 * What is said of a mutation whose statement was sent while the connection to the database broke: it may have been carried out. Only
 * of the mutation's own field; what fails below it is the reading of a result that is there.
 */
import type { GraphQLFieldResolver } from "graphql";
import { isOutcomeUnknown } from "./broken-off.ts";
import { codedError, ERROR_CODES } from "./errors.ts";
import type { Logger } from "./log.ts";

type AnyResolver = GraphQLFieldResolver<unknown, { requestLog: Logger }>;

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
        if (!isOutcomeUnknown(error)) throw error;
        context.requestLog.warn({ err: error, mutation: name }, "the database broke off during a mutation");
        throw codedError("OUTCOME_UNKNOWN", ERROR_CODES.OUTCOME_UNKNOWN, where);
      }
    },
  ]);
  return Object.fromEntries(told);
}
