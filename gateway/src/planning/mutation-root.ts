/**
 * A mutation's root field is carried out once, however often a document selects its response name. The
 * planner keeps selections apart if their conditions or directives differ, and sends both if another
 * subgraph's field stands between them. So such a document is planned as CollectFields of the specification
 * reads it: once for each outcome of its root conditions, with one selection for each response name.
 */
import { codedError } from "@teranga/kit/graphql/errors.ts";
import {
  type DirectiveNode,
  type FieldNode,
  getOperationAST,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  type SelectionNode,
} from "graphql";
import type { JsonObject } from "../ground/answer.ts";
import {
  conditionVariables,
  inlinedOperation,
  isIncluded,
  printCompact,
  type RootSelection,
  responseNameOf,
  rootSelections,
  saidToServices,
  variableDefinitionsOf,
  withDefaults,
  within,
} from "../ground/documents.ts";
import type { NamelessOperation } from "../ground/nameless-operation.ts";

interface RepeatedRoot {
  /** The operation, without fragment spreads. */
  operation: OperationDefinitionNode;
  selections: readonly RootSelection[];
  /** The variables that decide which selections are carried out. */
  conditions: readonly string[];
  defaults: Readonly<Record<string, unknown>>;
}

/** Null for mutations that select no name twice. */
const KNOWN = new WeakMap<OperationDefinitionNode, RepeatedRoot | null>();

/**
 * The same operation, with each root field once if it is a mutation that selects one of them twice.
 * @param given the variables as the client gave them
 */
export function withRootOnce(asked: NamelessOperation, given: JsonObject): NamelessOperation {
  const definition = getOperationAST(asked.document);
  if (definition?.operation !== OperationTypeNode.MUTATION) return asked;
  let root = KNOWN.get(definition);
  if (root === undefined) {
    root = repeatedRoot(asked);
    KNOWN.set(definition, root);
  }
  if (!root) return asked;
  const { operation, selections, conditions, defaults } = root;
  const variables = withDefaults({ defaults }, given);
  // The request is refused for its variables before anything is carried out.
  if (conditions.some((name) => typeof variables[name] !== "boolean")) return asked;
  const included = selections.filter((selection) => isIncluded(selection.conditions, variables));
  const byName = Map.groupBy(included, ({ field }) => responseNameOf(field));
  const once = Array.from(byName.values(), joined);
  const definitions = [
    { ...operation, selectionSet: { kind: Kind.SELECTION_SET, selections: once } },
  ] as const;
  const key = JSON.stringify([asked.key, ...conditions.map((name) => variables[name])]);
  return { ...asked, key, document: { ...asked.document, definitions } };
}

function repeatedRoot({ document }: NamelessOperation): RepeatedRoot | null {
  const operation = inlinedOperation(document);
  const selections = [...rootSelections(operation.selectionSet)];
  const names = new Set(selections.map(({ field }) => responseNameOf(field)));
  if (names.size === selections.length) return null;
  const directives = selections.flatMap((selection) => selection.conditions);
  const { defaults } = variableDefinitionsOf(operation);
  return { operation, selections, conditions: conditionVariables(directives), defaults };
}

/** Joins selections of one response name. Validation ensures that their arguments are equal. */
function joined(same: readonly RootSelection[]): SelectionNode {
  const fields = same.map(({ field }) => field);
  const first = fields[0]!;
  const inner = fields.flatMap(({ selectionSet }) => selectionSet?.selections ?? []);
  const field: FieldNode = {
    ...first,
    directives: joinedDirectives(
      first,
      fields.map(({ directives }) => directives),
    ),
    ...(inner.length > 0 && { selectionSet: { kind: Kind.SELECTION_SET, selections: inner } }),
  };
  const around = joinedDirectives(
    first,
    same.map((selection) => selection.around),
  );
  return within(field, around);
}

/**
 * The service directives of several places of one field, each directive once.
 * @throws GraphQLError if two places contradict each other
 */
function joinedDirectives(
  field: FieldNode,
  places: readonly (readonly DirectiveNode[] | undefined)[],
): DirectiveNode[] {
  const said = new Map<string, string>();
  const all: DirectiveNode[] = [];
  for (const directives of places) {
    for (const [name, nodes] of Map.groupBy(saidToServices(directives), (node) => node.name.value)) {
      const text = nodes.map(printCompact).join(" ");
      if (!said.has(name)) all.push(...nodes);
      else if (said.get(name) !== text) throw differs(field, name);
      said.set(name, text);
    }
  }
  return all;
}

function differs(field: FieldNode, directive: string): Error {
  const message = `\`${responseNameOf(field)}\` is selected twice, with different @${directive}: a mutation's field is carried out once.`;
  return codedError("GRAPHQL_VALIDATION_FAILED", message, { http: { status: 400 } });
}
