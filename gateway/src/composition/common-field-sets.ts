/**
 * Finds the fields that directives name: `@key(fields:)`, `@requires(fields:)`, `@provides(fields:)`,
 * `@partition(by:)`, `@merge(missing:)`.
 */
import { type ConstDirectiveNode, Kind, parse, type SelectionSetNode, valueFromASTUntyped } from "graphql";
import { readSpecNames } from "../ground/supergraph.ts";
import { specName } from "./common-directives.ts";
import { type FieldModel, namedTypeOf, type SdlModel, type TypeModel } from "./sdl-model.ts";

/**
 * Returns a check for directives of a type, or of one of its fields: whether all fields that it names exist.
 */
export function directiveHolds(
  model: SdlModel,
  type: TypeModel,
  field?: FieldModel,
): (directive: ConstDirectiveNode) => boolean {
  const [first, ...others] = model.schemas;
  const nodes = { astNode: first, extensionASTNodes: others };
  const names = readSpecNames(nodes as Parameters<typeof readSpecNames>[0]);
  const note = () => {};
  return (directive) => {
    const name = directive.name.value;
    if (name === names?.partition) return !field || pathExists(field, argument(directive, "by"), model);
    if (name === names?.merge) return !field || pageHas(field, argument(directive, "missing"), model);
    const parent = parentOf(directive, type, field, model);
    return parent === undefined || selectionsExist(fieldsOf(directive), parent, model, note);
  };
}

/** The type whose fields a directive names. Undefined if it names no fields. */
function parentOf(
  directive: ConstDirectiveNode,
  type: TypeModel,
  field: FieldModel | undefined,
  { types }: SdlModel,
): TypeModel | undefined {
  switch (specName(directive.name.value)) {
    case "key":
    case "requires":
      return type;
    case "provides":
      return field && types.get(namedTypeOf(field.type));
    default:
      return undefined;
  }
}

/**
 * All fields (`Product.weight`) that a key, @requires or @provides names, or that an interface requires of an
 * object.
 */
export function externalFieldsInUse(model: SdlModel): Set<string> {
  const inUse = new Set<string>();
  const note = (name: string) => inUse.add(name);
  const noteAll = (directives: readonly ConstDirectiveNode[], type: TypeModel, field?: FieldModel) => {
    for (const directive of directives) {
      const parent = parentOf(directive, type, field, model);
      if (parent) selectionsExist(fieldsOf(directive), parent, model, note);
    }
  };
  for (const type of model.types.values()) {
    noteAll(type.directives, type);
    for (const field of type.fields.values()) noteAll(field.directives, type, field);
    for (const name of type.interfaces) {
      for (const field of model.types.get(name)?.fields.keys() ?? []) inUse.add(`${type.name}.${field}`);
    }
  }
  return inUse;
}

function argument(directive: ConstDirectiveNode, name: string): string {
  const given = directive.arguments?.find((candidate) => candidate.name.value === name);
  return given ? String(valueFromASTUntyped(given.value)) : "";
}

/** Undefined if the text is no selection. Composition reports that. */
function fieldsOf(directive: ConstDirectiveNode): SelectionSetNode | undefined {
  try {
    const document = parse(`{ ${argument(directive, "fields")} }`, { noLocation: true });
    const [operation] = document.definitions;
    return operation?.kind === Kind.OPERATION_DEFINITION ? operation.selectionSet : undefined;
  } catch {
    return undefined;
  }
}

function selectionsExist(
  selectionSet: SelectionSetNode | undefined,
  parent: TypeModel | undefined,
  model: SdlModel,
  note: (field: string) => void,
): boolean {
  if (!selectionSet) return true;
  if (!parent) return false;
  // `map` visits all of them, since each must be noted.
  return selectionSet.selections
    .map((selection) => {
      if (selection.kind === Kind.FRAGMENT_SPREAD) return false;
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        const on = selection.typeCondition ? model.types.get(selection.typeCondition.name.value) : parent;
        return selectionsExist(selection.selectionSet, on, model, note);
      }
      const name = selection.name.value;
      if (name === "__typename") return true;
      note(`${parent.name}.${name}`);
      const field = parent.fields.get(name);
      const below = field && model.types.get(namedTypeOf(field.type));
      return field !== undefined && selectionsExist(selection.selectionSet, below, model, note);
    })
    .every(Boolean);
}

/** Whether a path into a field's arguments, e.g. `input.town`, still exists. */
function pathExists(field: FieldModel, path: string, { types }: SdlModel): boolean {
  const [first, ...rest] = path.split(".");
  let input = field.args.get(first!);
  for (const name of rest) input = input && types.get(namedTypeOf(input.type))?.inputs.get(name);
  return input !== undefined;
}

/** Whether the page that a field returns still has the list of missing partitions. */
function pageHas(field: FieldModel, list: string, { types }: SdlModel): boolean {
  return types.get(namedTypeOf(field.type))?.fields.has(list) === true;
}
