/**
 * A policy decides, by its name in `@policy(policies: [["own client"]])`, whether an identity may have a row.
 * It is asked twice: by the gateway before anything is fetched, and by the service at the row.
 */
import type { Identity } from "../identity.ts";

/** Whom a row belongs to. */
export interface Owned {
  /** The client whose row it is. Undefined if it is no client's. */
  readonly clientId?: string | undefined;
  /** The cities whose operators see it; none by default. */
  readonly cityIds?: readonly string[];
}

export interface Policy {
  /** Its name in the schema. */
  readonly name: string;
  /** What it allows, as the end of a sentence that begins with "may be asked by". For people. */
  readonly about: string;
  /** Whether the identity could own any row. It must not depend on anything else. */
  mayHold(identity: Identity): boolean;
  /** Whether the identity owns this row. Only asked if it may hold one. */
  owns(identity: Identity, row: Owned): boolean;
}
