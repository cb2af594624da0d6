/**
 * Which fetches are protected: those that ask for something that not everybody may have. The service is told
 * who asks, since whose row it is only the service knows. So such an answer is never kept, and shared only
 * with the same identity.
 */
import { type GraphQLSchema, parse, TypeInfo, visit, visitWithTypeInfo } from "graphql";
import type { Supergraph } from "../ground/supergraph.ts";
import { type RequirementTable, requirementTableOf } from "./requirement-table.ts";

/** Whether the text of a fetch asks for something that is protected. */
export type IsProtected = (text: string) => boolean;

/** @param supergraph also what clients do not see of it may be protected, and fetched */
export function protectedFetches(supergraph: Supergraph): IsProtected {
  const table = requirementTableOf(supergraph);
  if (table.isEmpty) return () => false;
  return (text) => isProtected(text, table, supergraph.schema);
}

function isProtected(text: string, table: RequirementTable, schema: GraphQLSchema): boolean {
  let found = false;
  const types = new TypeInfo(schema);
  visit(
    parse(text, { noLocation: true }),
    visitWithTypeInfo(types, {
      Field({ name }) {
        const parent = types.getParentType();
        if (parent && table.of(parent.name, name.value).length > 0) found = true;
      },
    }),
  );
  return found;
}
