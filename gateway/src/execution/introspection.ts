/** Answers the introspection fields of an operation from the schema that clients see. */
import { codedError } from "@teranga/kit/graphql/errors.ts";
import {
  type DocumentNode,
  executeSync,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
} from "graphql";
import type { JsonObject } from "../ground/answer.ts";
import {
  isIncluded,
  rootSelections,
  usedVariables,
  variableDefinitionsOf,
  withDefaults,
} from "../ground/documents.ts";

/** Returns the answers by response name. @throws GraphQLError if an argument is not valid */
export type Introspect = (variables: JsonObject) => JsonObject;

/** Undefined if the operation has no introspection fields. @param operation without fragment spreads */
export function compileIntrospection(
  operation: OperationDefinitionNode,
  schema: GraphQLSchema,
): Introspect | undefined {
  const all = [...rootSelections(operation.selectionSet)].filter(({ field: { name } }) => isMeta(name.value));
  if (all.length === 0) return undefined;
  const definitions = variableDefinitionsOf(operation);
  return (variables) => {
    const given = withDefaults(definitions, variables);
    const selections = all.filter(({ conditions }) => isIncluded(conditions, given));
    if (selections.length === 0) return {};
    const document = documentOf(
      operation,
      selections.map(({ field }) => ({ ...field, directives: [] })),
    );
    const { data, errors } = executeSync({ schema, document, variableValues: variables });
    if (errors) throw codedError("BAD_USER_INPUT", errors[0]!.message);
    return data as JsonObject;
  };
}

const isMeta = (name: string) => name === "__schema" || name === "__type";

/** The operation with only these fields, and the variables that they use. */
function documentOf(operation: OperationDefinitionNode, selections: readonly SelectionNode[]): DocumentNode {
  const selectionSet = { kind: Kind.SELECTION_SET, selections } as const;
  const used = usedVariables(selectionSet);
  const variableDefinitions = (operation.variableDefinitions ?? []).filter(({ variable }) =>
    used.has(variable.name.value),
  );
  return { kind: Kind.DOCUMENT, definitions: [{ ...operation, selectionSet, variableDefinitions }] };
}
