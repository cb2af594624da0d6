/** Small things done to GraphQL documents while an operation is planned. */

import { badInput } from "@teranga/kit/graphql/errors.ts";
import {
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  getOperationAST,
  Kind,
  type OperationDefinitionNode,
  type OperationTypeNode,
  parse,
  print,
  type SelectionNode,
  type SelectionSetNode,
  separateOperations,
  stripIgnoredCharacters,
  type ValueNode,
  valueFromASTUntyped,
  visit,
} from "graphql";
import { emptyObject } from "./answer.ts";

/**
 * A document with one of its operations, and the fragments that it spreads: others may mention variables that
 * it does not have.
 */
export function withOneOperation(document: DocumentNode, name: string | undefined): DocumentNode {
  const operations = document.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  return operations.length > 1 ? separateOperations(document)[name ?? ""]! : document;
}

/**
 * An operation of a document, its fragment spreads replaced by inline fragments.
 * @param name needed if there are several
 */
export function inlinedOperation(document: DocumentNode, name?: string): OperationDefinitionNode {
  const operation = getOperationAST(document, name) ?? undefined;
  if (!operation) throw badInput("query", "must hold an operation");
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  return { ...operation, selectionSet: inlined(operation.selectionSet, fragments) };
}

/** Validation has refused fragments that contain themselves, and limits.ts bounds how far they expand. */
function inlined(
  { selections }: SelectionSetNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): SelectionSetNode {
  const expand = (selection: SelectionNode): SelectionNode => {
    if (selection.kind === Kind.FRAGMENT_SPREAD) {
      const { typeCondition, selectionSet } = fragments.get(selection.name.value)!;
      const { directives = [] } = selection;
      return {
        kind: Kind.INLINE_FRAGMENT,
        typeCondition,
        directives,
        selectionSet: inlined(selectionSet, fragments),
      };
    }
    return selection.selectionSet
      ? { ...selection, selectionSet: inlined(selection.selectionSet, fragments) }
      : selection;
  };
  return { kind: Kind.SELECTION_SET, selections: selections.map(expand) };
}

/** A field at the root of an operation, and what is said on it and on the fragments around it. */
export interface RootSelection {
  field: FieldNode;
  /** @skip and @include, its own and those of the fragments around it. */
  conditions: readonly DirectiveNode[];
  /** Those of the fragments around it that say something to services. */
  around: readonly DirectiveNode[];
}

const AT_ROOT = { conditions: [], around: [] };

/** Takes the fragments at the root apart; what is on them holds for each of their fields. */
export function* rootSelections(
  { selections }: SelectionSetNode,
  outer: Pick<RootSelection, "conditions" | "around"> = AT_ROOT,
): Generator<RootSelection> {
  for (const selection of selections) {
    const { directives = [] } = selection;
    const conditions =
      directives.length === 0 ? outer.conditions : [...outer.conditions, ...directives.filter(isCondition)];
    if (selection.kind === Kind.FIELD) yield { field: selection, conditions, around: outer.around };
    if (selection.kind !== Kind.INLINE_FRAGMENT) continue;
    const around = [...outer.around, ...saidToServices(directives)];
    yield* rootSelections(selection.selectionSet, { conditions, around });
  }
}

/** Whether a directive decides what is asked for. */
export const isCondition = ({ name }: DirectiveNode): boolean =>
  name.value === "skip" || name.value === "include";

/** Directives of the graph's own, which services carry out. */
export const saidToServices = (directives: readonly DirectiveNode[] = []): DirectiveNode[] =>
  directives.filter((directive) => !isCondition(directive) && directive.name.value !== "defer");

/** A selection in a fragment with these directives; itself if there are none. */
export function within(selection: SelectionNode, directives: readonly DirectiveNode[]): SelectionNode {
  if (directives.length === 0) return selection;
  const selectionSet = { kind: Kind.SELECTION_SET, selections: [selection] } as const;
  return { kind: Kind.INLINE_FRAGMENT, directives, selectionSet };
}

/** The variables that @skip and @include look at. */
export function conditionVariables(directives: Iterable<DirectiveNode>): string[] {
  const names = new Set<string>();
  for (const directive of directives) {
    if (!isCondition(directive)) continue;
    for (const { value } of directive.arguments ?? [])
      if (value.kind === Kind.VARIABLE) names.add(value.name.value);
  }
  return [...names].sort();
}

/** The name of a field in the answer. */
export const responseNameOf = ({ alias, name }: FieldNode): string => (alias ?? name).value;

/** The names of the variables that a part of a document mentions. */
export function usedVariables(
  node: SelectionNode | SelectionSetNode | DirectiveNode | OperationDefinitionNode,
): Set<string> {
  const names = new Set<string>();
  visit(node, { Variable: ({ name }) => void names.add(name.value) });
  return names;
}

/** Whether a number's text is that of the double that JavaScript makes of it. */
export const isKept = (text: string): boolean => String(Number(text)) === text;

/**
 * A literal as JSON has it. A number that would change is told as text, but for an Int: -0 is 0.
 * @param variables needed if there may be some in it
 */
export function literalValue(node: ValueNode, variables: Readonly<Record<string, unknown>> = {}): unknown {
  switch (node.kind) {
    case Kind.INT:
      return Number.isSafeInteger(Number(node.value)) ? Number(node.value) : node.value;
    case Kind.FLOAT:
      return isKept(node.value) ? Number(node.value) : node.value;
    case Kind.LIST:
      return node.values.map((each) => literalValue(each, variables));
    case Kind.OBJECT: {
      const object = emptyObject();
      for (const { name, value } of node.fields) object[name.value] = literalValue(value, variables);
      return object;
    }
    default:
      return valueFromASTUntyped(node, variables);
  }
}

/** The definitions of an operation's variables, printed, and their defaults. */
export interface VariableDefinitions {
  printed: ReadonlyMap<string, string>;
  defaults: Readonly<Record<string, unknown>>;
}

export function variableDefinitionsOf(operation: OperationDefinitionNode): VariableDefinitions {
  const printed = new Map<string, string>();
  const defaults = emptyObject();
  for (const definition of operation.variableDefinitions ?? []) {
    const name = definition.variable.name.value;
    printed.set(name, printCompact(definition));
    if (definition.defaultValue) defaults[name] = literalValue(definition.defaultValue);
  }
  return { printed, defaults };
}

/** The variables that were given, and the defaults of the others. */
export function withDefaults(
  { defaults }: Pick<VariableDefinitions, "defaults">,
  given: Record<string, unknown> | undefined,
): Record<string, unknown> {
  return Object.assign(emptyObject(), defaults, given);
}

/**
 * A variable's value, or its default if none was given. Names of variables may be names that objects inherit.
 */
export function variableValue(
  name: string,
  given: Readonly<Record<string, unknown>>,
  defaults: Readonly<Record<string, unknown>>,
): unknown {
  return Object.hasOwn(given, name) && given[name] !== undefined ? given[name] : defaults[name];
}

/** `($id:ID!,$first:Int=20)` for the variables of these names, or nothing. */
export function printVariableDefinitions({ printed }: VariableDefinitions, names: Iterable<string>): string {
  const definitions = [...names].map((name) => printed.get(name)!);
  return definitions.length > 0 ? `(${definitions.join(",")})` : "";
}

export function printCompact(node: Parameters<typeof print>[0]): string {
  return stripIgnoredCharacters(print(node));
}

/** The text of an operation that has no name, with one. */
export function namedText(text: string, kind: OperationTypeNode, name: string | undefined): string {
  return name === undefined ? text : `${kind} ${name}${withoutKind(text, kind)}`;
}

/** The text of an operation that has no name from where the name would end. */
export function withoutKind(text: string, kind: OperationTypeNode): string {
  return text.startsWith(kind) ? text.slice(kind.length).trimStart() : text;
}

/** Only these variables, if they were given. */
export function pickVariables(
  variables: Record<string, unknown>,
  names: Iterable<string>,
): Record<string, unknown> {
  const picked = emptyObject();
  for (const name of names) if (Object.hasOwn(variables, name)) picked[name] = variables[name];
  return picked;
}

/** Whether @skip and @include let a selection through. `variables` has the defaults filled in. */
export function isIncluded(
  directives: readonly DirectiveNode[],
  variables: Record<string, unknown>,
): boolean {
  return directives.every((directive) => {
    const condition = directive.arguments?.find(({ name }) => name.value === "if");
    if (!condition) return true;
    const holds = valueFromASTUntyped(condition.value, variables) === true;
    switch (directive.name.value) {
      case "skip":
        return !holds;
      case "include":
        return holds;
      default:
        return true;
    }
  });
}

/** A set of fields, as the arguments of @key and @requires have them. */
export function parseFieldSet(text: string): SelectionSetNode {
  return inlinedOperation(parse(`{${text}}`, { noLocation: true })).selectionSet;
}
