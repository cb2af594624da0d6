/**
 * Merges the selections for objects of one type: CollectFields of the GraphQL specification, at compile time.
 */
import {
  type FieldNode,
  type GraphQLCompositeType,
  type GraphQLSchema,
  isAbstractType,
  Kind,
  type SelectionSetNode,
} from "graphql";
import { isIncluded } from "../../ground/documents.ts";

/** Fields by response name, in the order of the answer. Fields of one name are completed as one. */
export type CollectedFields = ReadonlyMap<string, FieldNode[]>;

/** @param conditions the values of the variables that @skip and @include use */
export function collectFields(
  schema: GraphQLSchema,
  type: GraphQLCompositeType,
  selectionSets: readonly SelectionSetNode[],
  conditions: Record<string, unknown>,
): CollectedFields {
  const fields = new Map<string, FieldNode[]>();
  const collect = ({ selections }: SelectionSetNode): void => {
    for (const selection of selections) {
      if (!isIncluded(selection.directives ?? [], conditions)) continue;
      if (selection.kind === Kind.FIELD) {
        const name = selection.alias?.value ?? selection.name.value;
        const known = fields.get(name);
        if (known) known.push(selection);
        else fields.set(name, [selection]);
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        const condition = selection.typeCondition?.name.value;
        if (condition === undefined || includes(schema, condition, type)) collect(selection.selectionSet);
      } else {
        throw new Error("fragments are inlined before they are compiled");
      }
    }
  };
  for (const selectionSet of selectionSets) collect(selectionSet);
  return fields;
}

function includes(schema: GraphQLSchema, condition: string, type: GraphQLCompositeType): boolean {
  if (condition === type.name) return true;
  const abstract = schema.getType(condition);
  return isAbstractType(abstract) && "getFields" in type && schema.isSubType(abstract, type);
}
