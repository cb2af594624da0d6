/** Why a token is not accepted, in the words that its bearer is told. Nothing of the token is in them. */
import { codedError } from "@teranga/kit/graphql/errors.ts";
import type { GraphQLError } from "graphql";

/** The values of `extensions.reason` beside the code TOKEN_INVALID, with what a client is told. */
export const TOKEN_FAULTS = {
  scheme: "The header Authorization must be there once, as: Bearer TOKEN.",
  "too-long": "The token is longer than 8,192 characters.",
  malformed: "The token is not a signed JSON Web Token.",
  algorithm: "The token is signed with an algorithm that is not accepted here.",
  "unknown-key": "The token is signed with a key that is not one of the issuer's, or does not say which.",
  signature: "The token's signature is wrong.",
  issuer: "The token is of another issuer.",
  audience: "The token is for somebody else.",
  claims: "The token has no time at which it expires, or a claim of a wrong type.",
  scope: "The token's scope must be a text with exactly one of client, city:operate and company:operate.",
  subject: "The token's subject is missing, or is no client's id such as thies:2 where the scope is client.",
  city: "The token's scope is city:operate, and its claim city is no city's id such as thies.",
} as const;

export type TokenFault = keyof typeof TOKEN_FAULTS;

export function invalidToken(reason: TokenFault): GraphQLError {
  return codedError("TOKEN_INVALID", TOKEN_FAULTS[reason], { reason });
}

export function expiredToken(): GraphQLError {
  return codedError("TOKEN_EXPIRED", "The token has expired.");
}

export function earlyToken(): GraphQLError {
  return codedError("TOKEN_NOT_YET_VALID", "The token is not valid yet.");
}

export function keysUnavailable(): GraphQLError {
  return codedError(
    "KEYS_UNAVAILABLE",
    "Tokens cannot be checked just now: the issuer's keys cannot be read.",
  );
}
