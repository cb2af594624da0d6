/** Sets of fields, as the arguments of @key and @requires have them. */
import { Kind, parse, type SelectionSetNode } from "graphql";

export function parseFieldSet(text: string): SelectionSetNode {
  const [operation] = parse(`{${text}}`, { noLocation: true }).definitions;
  if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new Error("a set of fields is a selection");
  return operation.selectionSet;
}
