/**
 * The operations that ask for entities:
 *
 *     query($representations: [_Any!]!) { _entities(representations: $representations) { … } }
 */
import {
  type FieldNode,
  Kind,
  type OperationDefinitionNode,
  parse,
  type SelectionNode,
  type SelectionSetNode,
} from "graphql";
import { inlinedOperation, printCompact, usedVariables } from "../ground/documents.ts";

/** A field of an entity, and the type on which it is asked for. */
export interface EntityField {
  type: string;
  field: string;
}

/** The operation of a fetch. The planner may have put fragments into it. */
export const entityOperation = (text: string): OperationDefinitionNode =>
  inlinedOperation(parse(text, { noLocation: true }));

/** The fields that a fetch asks of entities, each with the innermost type condition around it. */
export function* entityFields(
  { selections }: SelectionSetNode,
  type = "",
  depth = 0,
): Generator<EntityField> {
  for (const selection of selections) {
    if (selection.kind === Kind.INLINE_FRAGMENT) {
      yield* entityFields(selection.selectionSet, selection.typeCondition?.name.value ?? type, depth);
    } else if (selection.kind === Kind.FIELD) {
      if (depth === 0) yield* entityFields(selection.selectionSet!, type, 1);
      else yield { type, field: selection.name.value };
    }
  }
}

/** The part of an entity operation that asks for some of its fields, with the variables that these use. */
export function partOf(operation: OperationDefinitionNode, isAsked: (field: EntityField) => boolean) {
  const within = (selectionSet: SelectionSetNode, type: string): SelectionSetNode => ({
    ...selectionSet,
    selections: selectionSet.selections.flatMap((selection): SelectionNode[] => {
      if (selection.kind === Kind.FIELD)
        return isAsked({ type, field: selection.name.value }) ? [selection] : [];
      if (selection.kind === Kind.FRAGMENT_SPREAD) throw new Error("fragments are inlined here");
      const inner = within(selection.selectionSet, selection.typeCondition?.name.value ?? type);
      return inner.selections.length > 0 ? [{ ...selection, selectionSet: inner }] : [];
    }),
  });
  const entities = operation.selectionSet.selections[0] as FieldNode;
  const selectionSet: SelectionSetNode = {
    kind: Kind.SELECTION_SET,
    selections: [{ ...entities, selectionSet: within(entities.selectionSet!, "") }],
  };
  const used = usedVariables(selectionSet);
  const variableDefinitions = operation.variableDefinitions?.filter(({ variable }) =>
    used.has(variable.name.value),
  );
  const part = { ...operation, selectionSet, ...(variableDefinitions && { variableDefinitions }) };
  const variableUsages = [...used].filter((name) => name !== "representations");
  return { operation: printCompact(part), variableUsages };
}
