/**
 * The shape that an answer must have: where its lists and objects are. A service that sends something else
 * would break what is built on the answer, for the rows of all services, so its part counts as failed. A
 * scalar of a wrong type does no such harm, and is made null later.
 */
import {
  type GraphQLError,
  type GraphQLFormattedError,
  type GraphQLNamedType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isCompositeType,
  isListType,
  isNonNullType,
  Kind,
  type SelectionSetNode,
} from "graphql";
import { isObject, type JsonObject, ownValue } from "../ground/answer.ts";

/** By response name. It leaves out scalars and fields that the schema does not know. */
export type ObjectShape = ReadonlyMap<string, ValueShape>;

interface ValueShape {
  /** The number of lists around the value. */
  lists: number;
  /** Undefined for a scalar or an enum. */
  object: ObjectShape | undefined;
}

/** The shape of a root field's value. */
export interface RootShape {
  responseName: string;
  /** Undefined if the schema does not know the field. */
  value: ValueShape | undefined;
  /** A null must be explained by an error. */
  nonNull: boolean;
}

/** @param parent undefined if only type conditions tell the type. Fragments must be inlined. */
export function objectShape(
  selectionSet: SelectionSetNode,
  parent: GraphQLNamedType | undefined,
  schema: GraphQLSchema,
): ObjectShape {
  const shape = new Map<string, ValueShape>();
  addSelections(selectionSet, parent, schema, shape);
  return shape;
}

function addSelections(
  { selections }: SelectionSetNode,
  parent: GraphQLNamedType | undefined,
  schema: GraphQLSchema,
  shape: Map<string, ValueShape>,
): void {
  for (const selection of selections) {
    if (selection.kind === Kind.INLINE_FRAGMENT) {
      const condition = selection.typeCondition?.name.value;
      const type = condition === undefined ? parent : schema.getType(condition);
      addSelections(selection.selectionSet, type, schema, shape);
    }
    if (selection.kind !== Kind.FIELD) continue;
    const type = fieldType(parent, selection.name.value);
    if (!type) continue;
    const responseName = selection.alias?.value ?? selection.name.value;
    // Validation ensures that objects under one response name have one shape, whatever their types.
    const object = (shape.get(responseName)?.object ?? new Map()) as Map<string, ValueShape>;
    const isComposite = isCompositeType(getNamedType(type)) && selection.selectionSet !== undefined;
    if (isComposite) addSelections(selection.selectionSet!, getNamedType(type), schema, object);
    const lists = listDepth(type);
    // Scalars are not checked, and most fields are scalars.
    if (isComposite || lists > 0)
      shape.set(responseName, { lists, object: isComposite ? object : undefined });
  }
}

/** @param definition the field's definition, if it is known */
export function rootShape(
  responseName: string,
  definition: { type: GraphQLOutputType } | undefined,
  selectionSet: SelectionSetNode | undefined,
  schema: GraphQLSchema,
): RootShape {
  if (!definition) return { responseName, value: undefined, nonNull: false };
  const { type } = definition;
  const object = selectionSet && objectShape(selectionSet, getNamedType(type), schema);
  return { responseName, value: { lists: listDepth(type), object }, nonNull: isNonNullType(type) };
}

function fieldType(parent: GraphQLNamedType | undefined, name: string): GraphQLOutputType | undefined {
  if (!parent || !("getFields" in parent)) return undefined;
  return parent.getFields()[name]?.type as GraphQLOutputType | undefined;
}

function listDepth(type: GraphQLOutputType): number {
  const nullable = getNullableType(type);
  return isListType(nullable) ? 1 + listDepth(nullable.ofType) : 0;
}

interface Answer {
  data: JsonObject | null;
  errors: readonly (GraphQLError | GraphQLFormattedError)[];
}

/**
 * Whether an answer has all of these fields, in their shapes. A missing field must be explained by an error.
 */
export function hasFields({ data, errors }: Answer, fields: readonly RootShape[]): boolean {
  return fields.every(({ responseName, value: shape, nonNull }) => {
    const value = data === null ? undefined : ownValue(data, responseName);
    if (value === undefined || (value === null && nonNull)) return errors.length > 0;
    return shape === undefined || fits(value, shape);
  });
}

/** Whether an answer has an entity, or null, for each representation. */
export function hasEntities({ data, errors }: Answer, object: ObjectShape, count: number): boolean {
  const entities = data === null ? undefined : ownValue(data, "_entities");
  if (entities === undefined || entities === null) return errors.length > 0;
  return Array.isArray(entities) && entities.length === count && fits(entities, { lists: 1, object });
}

function fits(value: unknown, { lists, object }: ValueShape): boolean {
  if (value === null) return true;
  if (lists > 0) {
    return Array.isArray(value) && value.every((element) => fits(element, { lists: lists - 1, object }));
  }
  if (!object) return true;
  if (!isObject(value)) return false;
  const typeName = value.__typename;
  if (typeName !== undefined && typeof typeName !== "string") return false;
  for (const [name, shape] of object) {
    if (Object.hasOwn(value, name) && !fits(value[name], shape)) return false;
  }
  return true;
}
