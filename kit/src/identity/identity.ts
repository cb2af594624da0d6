/** Who asks. A gateway reads it from a client's token, and tells the services (assertion.ts). */

export type Identity =
  | { readonly role: "visitor" }
  /** Somebody who buys. `clientId` is that of the graph, for example `thies:2`. */
  | { readonly role: "client"; readonly clientId: string }
  /** Somebody who works for one city. `subject` is the person. */
  | { readonly role: "city-operator"; readonly subject: string; readonly cityId: string }
  /** Somebody who works for the company, in all cities. */
  | { readonly role: "company-operator"; readonly subject: string }
  /** A service of the cluster. No client's token makes one. */
  | { readonly role: "service" };

export type Role = Identity["role"];

/** Whoever brings no token. */
export const VISITOR: Identity = { role: "visitor" };
/** A service that asks another one. */
export const SERVICE: Identity = { role: "service" };

/** The scopes by which `@requiresScopes` names the roles. A visitor has none. */
export const SCOPES = {
  client: "client",
  "city-operator": "city:operate",
  "company-operator": "company:operate",
  service: "service",
} as const;

const SCOPES_OF: Readonly<Record<Role, ReadonlySet<string>>> = {
  visitor: new Set(),
  client: new Set([SCOPES.client]),
  "city-operator": new Set([SCOPES["city-operator"]]),
  "company-operator": new Set([SCOPES["company-operator"]]),
  service: new Set([SCOPES.service]),
};

/** The scopes of an identity. */
export function scopesOf({ role }: Identity): ReadonlySet<string> {
  return SCOPES_OF[role];
}

/** Who it is, for logs: the client's id, or the person. Undefined for whoever has no name. */
export function subjectOf(identity: Identity): string | undefined {
  if (identity.role === "client") return identity.clientId;
  return "subject" in identity ? identity.subject : undefined;
}
