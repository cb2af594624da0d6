/**
 * Marks the fields of a document that somebody may not have, and takes them out of what is planned. The marks
 * stay in what is shaped: there such a field is null, with an error. They stand on the nodes themselves,
 * because what is done to a document on the way (inlining, splitting, names apart) copies its nodes.
 */
import type { Refusal, Requirement } from "@teranga/kit/identity/requirement.ts";
import {
  type DocumentNode,
  type FieldNode,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from "graphql";
import { inlinedOperation, usedVariables } from "../ground/documents.ts";
import { nameApart } from "../ground/names-apart.ts";

interface RefusedField extends FieldNode {
  readonly refusal: Refusal;
}

export const refusalOf = (field: FieldNode): Refusal | undefined => (field as Partial<RefusedField>).refusal;

/**
 * The document with the refused fields marked, without what they select.
 * @param schema the schema that clients see
 * @param refuse called with each field's parent type and name
 */
export function withRefusals(
  document: DocumentNode,
  schema: GraphQLSchema,
  refuse: (typeName: string, field: string) => Requirement | undefined,
): DocumentNode {
  const types = new TypeInfo(schema);
  return visit(
    document,
    visitWithTypeInfo(types, {
      Field(field) {
        const parent = types.getParentType();
        const requirement = parent && refuse(parent.name, field.name.value);
        if (!requirement) return undefined;
        const { selectionSet: _, ...bare } = field;
        const refusal = { coordinate: `${parent.name}.${field.name.value}`, requirement };
        return { ...bare, refusal } satisfies RefusedField;
      },
    }),
  );
}

/**
 * What of a marked document is planned. An object of which nothing is left is still fetched: whether it is
 * there is no secret. Undefined if nothing at all is left.
 */
export function withoutRefused(document: DocumentNode): DocumentNode | undefined {
  const operation = inlinedOperation(document);
  const selections = allowed(operation.selectionSet.selections);
  if (selections.length === 0) return undefined;
  const selectionSet = { kind: Kind.SELECTION_SET, selections } as const;
  const used = usedVariables({ ...operation, selectionSet, variableDefinitions: [] });
  const definition: OperationDefinitionNode = {
    ...operation,
    selectionSet,
    variableDefinitions: (operation.variableDefinitions ?? []).filter(({ variable }) =>
      used.has(variable.name.value),
    ),
  };
  return { kind: Kind.DOCUMENT, definitions: [definition] };
}

/** The alias keeps it apart from the client's own fields, as in planning/empty-objects.ts. */
const TYPENAME: FieldNode = {
  kind: Kind.FIELD,
  alias: { kind: Kind.NAME, value: nameApart(0) },
  name: { kind: Kind.NAME, value: "__typename" },
};

function allowed(selections: readonly SelectionNode[]): SelectionNode[] {
  return selections.flatMap((selection): SelectionNode[] => {
    if (selection.kind === Kind.FIELD && refusalOf(selection)) return [];
    if (selection.kind === Kind.FRAGMENT_SPREAD || !selection.selectionSet) return [selection];
    const inner = allowed(selection.selectionSet.selections);
    if (inner.length === 0 && selection.kind === Kind.INLINE_FRAGMENT) return [];
    const left = inner.length > 0 ? inner : [TYPENAME];
    return [{ ...selection, selectionSet: { ...selection.selectionSet, selections: left } }];
  });
}
