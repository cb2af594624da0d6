/** How a gateway knows who asks. */
import type { Identity } from "@teranga/kit/identity/identity.ts";
import type { TokenReader } from "./token-reader.ts";
import { invalidToken } from "./token-refusals.ts";

export interface IdentityMeans {
  /**
   * @param authorization the values of the request's headers of that name
   * @throws GraphQLError that says why the token is not accepted
   */
  identify(authorization: readonly string[] | undefined): Identity | Promise<Identity>;
}

/** Everybody is this one. */
export function actAs(identity: Identity): IdentityMeans {
  return { identify: () => identity };
}

const BEARER = /^bearer +([\w.~+/-]+=*) *$/i;

/** By the bearer token. @param other whoever brings none */
export function byToken(reader: TokenReader, other: Identity): IdentityMeans {
  return {
    identify(authorization = []) {
      // Pages often send the header with nothing in it before somebody has logged in.
      const given = authorization.filter((value) => value !== "");
      if (given.length === 0) return other;
      const [, token] = BEARER.exec(given[0]!) ?? [];
      if (token === undefined || given.length > 1) throw invalidToken("scheme");
      return reader.read(token);
    },
  };
}
