/** Helpers for GraphQL documents while an operation is planned. */

import { badInput } from "@teranga/kit/graphql/errors.ts";
import {
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  getOperationAST,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
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
 * One operation of a document with the fragments that it spreads. Other fragments may use variables that the
 * operation does not define.
 */
export function withOneOperation(document: DocumentNode, name: string | undefined): DocumentNode {
  const operations = document.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  return operations.length > 1 ? separateOperations(document)[name ?? ""]! : document;
}

/**
 * An operation of a document with its fragment spreads replaced by inline fragments.
 * @param name needed if there are several operations
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

/** Validation refuses fragments that contain themselves, and limits.ts bounds how far they expand. */
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

/** A root field of an operation, with the directives on it and on the fragments around it. */
export interface RootSelection {
  field: FieldNode;
  /** @skip and @include of the field and of the fragments around it. */
  conditions: readonly DirectiveNode[];
  /** The service directives of the fragments around it. */
  around: readonly DirectiveNode[];
}

const AT_ROOT = { conditions: [], around: [] };

/** Flattens the fragments at the root. The directives of a fragment apply to each of its fields. */
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

/** Whether a directive decides if something is selected. */
export const isCondition = ({ name }: DirectiveNode): boolean =>
  name.value === "skip" || name.value === "include";

/** The graph's own directives, which services carry out. */
export const saidToServices = (directives: readonly DirectiveNode[] = []): DirectiveNode[] =>
  directives.filter((directive) => !isCondition(directive) && directive.name.value !== "defer");

/** The selection, wrapped in a fragment with these directives. Without directives, the selection itself. */
export function within(selection: SelectionNode, directives: readonly DirectiveNode[]): SelectionNode {
  if (directives.length === 0) return selection;
  const selectionSet = { kind: Kind.SELECTION_SET, selections: [selection] } as const;
  return { kind: Kind.INLINE_FRAGMENT, directives, selectionSet };
}

/** The variables that @skip and @include use. */
export function conditionVariables(directives: Iterable<DirectiveNode>): string[] {
  const names = new Set<string>();
  for (const directive of directives) {
    if (!isCondition(directive)) continue;
    for (const { value } of directive.arguments ?? [])
      if (value.kind === Kind.VARIABLE) names.add(value.name.value);
  }
  return [...names].sort();
}

/** The response name of a field. */
export const responseNameOf = ({ alias, name }: FieldNode): string => (alias ?? name).value;

/** The names of the variables that a node uses. */
export function usedVariables(
  node: SelectionNode | SelectionSetNode | DirectiveNode | OperationDefinitionNode,
): Set<string> {
  const names = new Set<string>();
  visit(node, { Variable: ({ name }) => void names.add(name.value) });
  return names;
}

/** Whether a number survives as a JavaScript double with the same text. */
export const isKept = (text: string): boolean => String(Number(text)) === text;

/**
 * A literal as a JSON value. A number that would change becomes a string. An Int of -0 becomes 0.
 * @param variables needed if the literal may contain some
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

/** The definitions of an operation's variables, printed, with their defaults. */
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

/** The given variables, and the defaults of the others. */
export function withDefaults(
  { defaults }: Pick<VariableDefinitions, "defaults">,
  given: Record<string, unknown> | undefined,
): Record<string, unknown> {
  return Object.assign(emptyObject(), defaults, given);
}

/**
 * A variable's value, or its default if none was given. Variables may have names that ordinary objects
 * inherit.
 */
export function variableValue(
  name: string,
  given: Readonly<Record<string, unknown>>,
  defaults: Readonly<Record<string, unknown>>,
): unknown {
  return Object.hasOwn(given, name) && given[name] !== undefined ? given[name] : defaults[name];
}

/** `($id:ID!,$first:Int=20)` for these variables, or an empty string. */
export function printVariableDefinitions({ printed }: VariableDefinitions, names: Iterable<string>): string {
  const definitions = [...names].map((name) => printed.get(name)!);
  return definitions.length > 0 ? `(${definitions.join(",")})` : "";
}

export function printCompact(node: Parameters<typeof print>[0]): string {
  return stripIgnoredCharacters(print(node));
}

/** The text of a nameless operation, with a name. */
export function namedText(text: string, name: string | undefined): string {
  if (name === undefined) return text;
  const { kind, rest } = aroundName(text);
  return `${kind} ${name}${rest}`;
}

/** What stands before and after the place for a name in the text of a nameless operation. */
export function aroundName(text: string): { kind: string; rest: string } {
  const written = /^\w*/.exec(text)![0];
  return { kind: written || OperationTypeNode.QUERY, rest: text.slice(written.length).trimStart() };
}

/** Those of these variables that were given. */
export function pickVariables(
  variables: Record<string, unknown>,
  names: Iterable<string>,
): Record<string, unknown> {
  const picked = emptyObject();
  for (const name of names) if (Object.hasOwn(variables, name)) picked[name] = variables[name];
  return picked;
}

/** Whether @skip and @include select something. `variables` has the defaults filled in. */
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

/** Parses a field set, the argument of @key and @requires. */
export function parseFieldSet(text: string): SelectionSetNode {
  return inlinedOperation(parse(`{${text}}`, { noLocation: true })).selectionSet;
}
