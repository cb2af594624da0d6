/**
 * Keeps objects whose fields conditions may all leave out. Such an object, if it exists, is `{}`. The planner
 * leaves out the object itself where it sees that the inner conditions contradict the outer ones
 * (`box @include(if: $t) { x @skip(if: $t) }`), and then a mutation is not carried out at all. So each object
 * whose fields are all conditional is planned with an unconditional `__typename`.
 */
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type SelectionSetNode,
  visit,
} from "graphql";
import { isCondition } from "../ground/documents.ts";
import { nameApart } from "../ground/names-apart.ts";

/**
 * The alias keeps it apart: the planner drops a plain `__typename` together with the field beside it.
 * Stand-ins count from 1.
 */
const TYPENAME: FieldNode = {
  kind: Kind.FIELD,
  alias: { kind: Kind.NAME, value: nameApart(0) },
  name: { kind: Kind.NAME, value: "__typename" },
};

export function withTypenames(document: DocumentNode): DocumentNode {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);

  const known = new Map<FragmentDefinitionNode, boolean>();
  const fragmentAsks = (fragment: FragmentDefinitionNode): boolean => {
    const asks = known.get(fragment) ?? alwaysAsks(fragment.selectionSet);
    known.set(fragment, asks);
    return asks;
  };
  const alwaysAsks = ({ selections }: SelectionSetNode): boolean =>
    selections.some((selection) => {
      if (selection.directives?.some(isCondition)) return false;
      if (selection.kind === Kind.FIELD) return true;
      if (selection.kind === Kind.INLINE_FRAGMENT) return alwaysAsks(selection.selectionSet);
      return fragmentAsks(fragments.get(selection.name.value)!);
    });

  return visit(document, {
    Field(field) {
      if (!field.selectionSet || alwaysAsks(field.selectionSet)) return undefined;
      const selections = [TYPENAME, ...field.selectionSet.selections];
      return { ...field, selectionSet: { ...field.selectionSet, selections } } satisfies FieldNode;
    },
  });
}
