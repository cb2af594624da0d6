/** An identity by name, as people write it in development: `company`, `client thies:2`. */
import { type Identity, VISITOR } from "@teranga/kit/identity/identity.ts";
import { claimsOf, identityOf } from "./claims.ts";

export const NAMED_IDENTITIES = "company, city CITY, client CLIENT or visitor";

const PERSON = "development";

/** Undefined if the words name nobody. */
export function namedIdentity(words: string): Identity | undefined {
  const [role, of, ...rest] = words.trim().split(/\s+/);
  if (rest.length > 0) return undefined;
  if (of === undefined) {
    if (role === "visitor") return VISITOR;
    return role === "company" ? { role: "company-operator", subject: PERSON } : undefined;
  }
  if (role === "client") return checked({ role: "client", clientId: of });
  if (role === "city") return checked({ role: "city-operator", subject: PERSON, cityId: of });
  return undefined;
}

/** The identity, if a token could have it. */
function checked(identity: Parameters<typeof claimsOf>[0]): Identity | undefined {
  try {
    return identityOf(claimsOf(identity));
  } catch {
    return undefined;
  }
}
