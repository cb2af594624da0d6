/** The error for a request that cannot be carried out now, and perhaps can a little later. */
import { codedError, ERROR_CODES } from "@teranga/kit/graphql/errors.ts";
import type { GraphQLError } from "graphql";

export function overloaded(): GraphQLError {
  const http = { status: 503, headers: new Map([["retry-after", "1"]]) };
  return codedError("OVERLOADED", ERROR_CODES.OVERLOADED, { http });
}
