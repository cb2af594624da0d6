/** The part of an operation that asks for the schema itself. It is answered here, by the schema that clients see. */
import {
  type DocumentNode,
  executeSync,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
} from "graphql";
import type { JsonObject } from "../answer.ts";
import { rootSelections, usedVariables } from "../documents.ts";

/** The answers by response name. */
export type Introspect = (variables: JsonObject) => JsonObject;

/** Undefined if the operation does not ask for the schema. @param operation without fragment spreads */
export function compileIntrospection(
  operation: OperationDefinitionNode,
  schema: GraphQLSchema,
): Introspect | undefined {
  const selections: SelectionNode[] = [];
  for (const { field, conditions } of rootSelections(operation.selectionSet)) {
    const isMeta = field.name.value === "__schema" || field.name.value === "__type";
    if (isMeta) selections.push({ ...field, directives: conditions });
  }
  if (selections.length === 0) return undefined;
  const selectionSet = { kind: Kind.SELECTION_SET, selections } as const;
  const used = usedVariables(selectionSet);
  const variableDefinitions = operation.variableDefinitions?.filter(({ variable }) =>
    used.has(variable.name.value),
  );
  const document: DocumentNode = {
    kind: Kind.DOCUMENT,
    definitions: [{ ...operation, selectionSet, ...(variableDefinitions && { variableDefinitions }) }],
  };
  return (variableValues) => {
    const { data, errors } = executeSync({ schema, document, variableValues });
    if (errors) throw errors[0]!;
    return data as JsonObject;
  };
}
