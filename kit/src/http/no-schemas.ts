/**
 * Fastify's option for an app whose routes have no JSON schemas. Without it Fastify loads Ajv and a
 * serializer that nothing would use, a tenth of the CPU time in which a service starts.
 */
import type { FastifyServerOptions } from "fastify";

export const NO_SCHEMAS = {
  compilersFactory: { buildValidator: refuse, buildSerializer: refuse },
} satisfies FastifyServerOptions["schemaController"];

function refuse(): never {
  throw new Error("a route has a JSON schema, and this app has no compiler for it (no-schemas.ts)");
}
