/** What a token says of its bearer, as an identity, and the other way round. */
import { type Identity, SCOPES } from "@teranga/kit/identity/identity.ts";
import type { JWTPayload } from "jose";
import { invalidToken } from "./token-refusals.ts";

const CITY_ID = /^[a-z][a-z0-9-]{0,62}$/;
const CLIENT_ID = /^[a-z][a-z0-9-]{0,62}:[1-9]\d{0,18}$/;
/** A subject goes into logs. */
const SUBJECT = /^[\x21-\x7e]{1,200}$/;

/** Of a token whose signature, issuer, audience and times have been checked. @throws GraphQLError */
export function identityOf({ scope, sub, city }: JWTPayload): Identity {
  const role = roleOf(scope);
  if (typeof sub !== "string") throw invalidToken("subject");
  if (role === "client") {
    if (!CLIENT_ID.test(sub)) throw invalidToken("subject");
    return { role, clientId: sub };
  }
  if (!SUBJECT.test(sub)) throw invalidToken("subject");
  if (role === "company-operator") return { role, subject: sub };
  if (typeof city !== "string" || !CITY_ID.test(city)) throw invalidToken("city");
  return { role, subject: sub, cityId: city };
}

const BEARER_ROLES = ["client", "city-operator", "company-operator"] as const;

function roleOf(scope: unknown): (typeof BEARER_ROLES)[number] {
  if (typeof scope !== "string") throw invalidToken("scope");
  const scopes = scope.split(" ");
  const [role, ...others] = BEARER_ROLES.filter((each) => scopes.includes(SCOPES[each]));
  // Services tell one another who they are in another way. A client's token that says so is an attack.
  if (role === undefined || others.length > 0 || scopes.includes(SCOPES.service)) throw invalidToken("scope");
  return role;
}

/** The claims that make an identity; none for a visitor, who has no token. */
export function claimsOf(identity: Exclude<Identity, { role: "visitor" | "service" }>): JWTPayload {
  switch (identity.role) {
    case "client":
      return { scope: SCOPES.client, sub: identity.clientId };
    case "city-operator":
      return { scope: SCOPES["city-operator"], sub: identity.subject, city: identity.cityId };
    case "company-operator":
      return { scope: SCOPES["company-operator"], sub: identity.subject };
    default:
      return identity satisfies never;
  }
}
