/**
 * Completes a schema after elements were removed: everything that refers to a removed element is removed too,
 * until nothing does.
 */
import { type ConstValueNode, type InputValueDefinitionNode, Kind } from "graphql";
import type { Version } from "./common-directives.ts";
import { directiveHolds, externalFieldsInUse } from "./common-field-sets.ts";
import { lackedBy, type Omissions } from "./omissions.ts";
import { type FieldModel, namedTypeOf, type SdlModel, type TypeModel } from "./sdl-model.ts";

const BUILT_IN = new Set(["String", "Int", "Float", "Boolean", "ID"]);

/** Changes the model in place. */
export function closeModel(model: SdlModel, versions: readonly Version[], omissions: Omissions): void {
  const wasEmpty = new Set(versions.flatMap((version) => emptyTypes(version).map(({ name }) => name)));
  closeReferences(model, wasEmpty, omissions);
  // Only now is it known which enums clients can send, and so which values stay. Removing values may empty an
  // enum.
  removeUnknownValues(model, versions, omissions);
  closeReferences(model, wasEmpty, omissions);
  for (const inputs of inputMapsOf(model)) removeBrokenDefaults(inputs, model);
}

/** Every round except the last removes something, so the loop ends. */
function closeReferences(model: SdlModel, wasEmpty: ReadonlySet<string>, omissions: Omissions): void {
  let before = -1;
  for (let size = sizeOf(model); size !== before; size = sizeOf(model)) {
    before = size;
    for (const type of model.types.values()) closeType(type, model, omissions);
    for (const { name } of emptyTypes(model)) {
      if (wasEmpty.has(name)) continue;
      model.types.delete(name);
      omissions.add(name, "nothing is left of it");
    }
    removeUnusedExternals(model);
  }
}

/** The number of elements and references. */
function sizeOf({ types }: SdlModel): number {
  let size = 0;
  for (const { fields, inputs, interfaces, members, values, directives } of types.values()) {
    size += 1 + inputs.size + interfaces.length + members.length + values.size + directives.length;
    for (const { args, directives } of fields.values()) size += 1 + args.size + directives.length;
  }
  return size;
}

function emptyTypes({ types }: SdlModel): TypeModel[] {
  return [...types.values()].filter(({ category, fields, inputs, members, values, isExtension }) => {
    if (category === "scalar" || isExtension) return false;
    return fields.size + inputs.size + members.length + values.size === 0;
  });
}

function closeType(type: TypeModel, model: SdlModel, omissions: Omissions): void {
  const { types } = model;
  type.interfaces = type.interfaces.filter((name) => types.has(name));
  type.members = type.members.filter((name) => types.has(name));
  const fits = directiveHolds(model, type);
  type.directives = type.directives.filter((directive) => {
    if (fits(directive)) return true;
    omissions.add(`${type.name} @${directive.name.value}`, "a field that it names is left out");
    return false;
  });
  for (const [name, input] of type.inputs) {
    const gone = goneType(input, model);
    if (gone === undefined) continue;
    if (input.type.kind === Kind.NON_NULL_TYPE) {
      omissions.add(type.name, `the type ${gone} of its field ${name} is left out`);
      types.delete(type.name);
    } else omissions.add(`${type.name}.${name}`, `its type ${gone} is left out`);
    type.inputs.delete(name);
  }
  for (const field of type.fields.values()) {
    const reason = closeField(type, field, model, omissions) ?? unfitFor(type, field, model);
    if (reason === undefined) continue;
    omissions.add(`${type.name}.${field.name}`, reason);
    type.fields.delete(field.name);
  }
}

/** The reason why the field cannot stay, if there is one. Removes arguments that the field can do without. */
function closeField(
  type: TypeModel,
  field: FieldModel,
  model: SdlModel,
  omissions: Omissions,
): string | undefined {
  const what = `${type.name}.${field.name}`;
  const gone = goneType(field, model);
  if (gone !== undefined) return `its type ${gone} is left out`;
  for (const [name, argument] of field.args) {
    const goneInput = goneType(argument, model);
    if (goneInput === undefined) continue;
    if (argument.type.kind === Kind.NON_NULL_TYPE)
      return `the type ${goneInput} of its argument ${name} is left out`;
    omissions.add(`${what}(${name}:)`, `its type ${goneInput} is left out`);
    field.args.delete(name);
  }
  const fits = directiveHolds(model, type, field);
  const broken = field.directives.find((directive) => !fits(directive));
  if (!broken) return undefined;
  if (broken.name.value.endsWith("provides")) {
    field.directives = field.directives.filter((directive) => directive !== broken);
    return undefined;
  }
  return `what its @${broken.name.value} names is left out`;
}

/**
 * A field of an interface is removed if one of its objects has lost the field. The alternative would be to
 * drop the interface from the object, and rows of that type with it; an operation that cannot be written is
 * better.
 */
function unfitFor(type: TypeModel, field: FieldModel, { types }: SdlModel): string | undefined {
  if (type.category !== "interface") return undefined;
  for (const other of types.values()) {
    if (!other.interfaces.includes(type.name)) continue;
    const own = other.fields.get(field.name);
    if (!own) return `${other.name}.${field.name} is left out`;
    const argument = [...field.args.keys()].find((name) => !own.args.has(name));
    if (argument !== undefined) return `${other.name}.${field.name}(${argument}:) is left out`;
  }
  return undefined;
}

/** The name of the element's type, if that type was removed. */
function goneType({ type }: Pick<FieldModel, "type">, { types }: SdlModel): string | undefined {
  const name = namedTypeOf(type);
  return types.has(name) || BUILT_IN.has(name) ? undefined : name;
}

/** Composition would refuse an external field that no directive names any more. */
function removeUnusedExternals(model: SdlModel): void {
  const inUse = externalFieldsInUse(model);
  for (const type of model.types.values()) {
    for (const { name, directives } of type.fields.values()) {
      if (!directives.some((directive) => directive.name.value.endsWith("external"))) continue;
      if (!inUse.has(`${type.name}.${name}`)) type.fields.delete(name);
    }
  }
}

/** Removes, from enums that clients send, the values that some partition does not know. */
function removeUnknownValues(model: SdlModel, versions: readonly Version[], omissions: Omissions): void {
  const sent = new Set(
    inputMapsOf(model).flatMap((inputs) => Array.from(inputs.values(), ({ type }) => namedTypeOf(type))),
  );
  for (const { args } of [...model.directives.values()].map((node) => ({ args: node.arguments ?? [] }))) {
    for (const { type } of args) sent.add(namedTypeOf(type));
  }
  for (const { name, values } of model.types.values()) {
    if (!sent.has(name)) continue;
    for (const value of values.keys()) {
      const lacking = versions.filter(({ types }) => !types.get(name)!.values.has(value));
      if (lacking.length === 0) continue;
      omissions.add(`${name}.${value}`, lackedBy(lacking.flatMap(({ partitions }) => partitions)));
      values.delete(value);
    }
  }
}

/** The arguments of all fields, and the fields of all input objects. */
function inputMapsOf({ types }: SdlModel): Map<string, InputValueDefinitionNode>[] {
  return [...types.values()].flatMap(({ inputs, fields }) => [
    inputs,
    ...Array.from(fields.values(), ({ args }) => args),
  ]);
}

/** Removes defaults that name removed elements. Without its default, a non-null input must be given. */
function removeBrokenDefaults(inputs: Map<string, InputValueDefinitionNode>, model: SdlModel): void {
  for (const [name, input] of inputs) {
    if (!input.defaultValue || valueFits(input.defaultValue, namedTypeOf(input.type), model)) continue;
    const { defaultValue: _, ...rest } = input;
    inputs.set(name, rest);
  }
}

function valueFits(value: ConstValueNode, typeName: string, model: SdlModel): boolean {
  const type = model.types.get(typeName);
  switch (value.kind) {
    case Kind.LIST:
      return value.values.every((element) => valueFits(element, typeName, model));
    case Kind.ENUM:
      return type?.category !== "enum" || type.values.has(value.value);
    case Kind.OBJECT: {
      if (type?.category !== "input") return true;
      const given = new Set(value.fields.map(({ name }) => name.value));
      const needed = [...type.inputs.values()].filter(
        ({ type, defaultValue }) => type.kind === Kind.NON_NULL_TYPE && defaultValue === undefined,
      );
      return (
        needed.every(({ name }) => given.has(name.value)) &&
        value.fields.every((field) => {
          const input = type.inputs.get(field.name.value);
          return input !== undefined && valueFits(field.value, namedTypeOf(input.type), model);
        })
      );
    }
    default:
      return true;
  }
}
