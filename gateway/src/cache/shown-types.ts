/** The object types that an operation shows: a change of one of them may outdate its answer. */
import {
  type DocumentNode,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isObjectType,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from "graphql";

/** The types of the fields' values. Not those of the entities that it asks for: their keys are known. */
export function shownTypes(document: DocumentNode, schema: GraphQLSchema): string[] {
  const shown = new Set<string>();
  const info = new TypeInfo(schema);
  visit(
    document,
    visitWithTypeInfo(info, {
      Field: () => {
        const type = getNamedType(info.getType());
        if (isObjectType(type)) shown.add(type.name);
        if (isAbstractType(type)) for (const { name } of schema.getPossibleTypes(type)) shown.add(name);
      },
    }),
  );
  return [...shown];
}
