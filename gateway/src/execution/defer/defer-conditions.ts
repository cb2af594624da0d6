/** What of a document is deferred, if the variables of its @defer conditions have certain values. */
import { type DocumentNode, getOperationAST, Kind, visit } from "graphql";
import type { JsonObject } from "../../ground/answer.ts";
import { variableDefinitionsOf, withDefaults } from "../../ground/documents.ts";
import type { NamelessOperation } from "../../ground/nameless-operation.ts";
import { argumentOf, DEFER } from "./defer-split.ts";

/** The variables that decide what is deferred. Null for a document without @defer. */
const KNOWN = new WeakMap<DocumentNode, readonly string[] | null>();

/** Whether a document was looked at before. The first look walks all of it. */
export const areConditionsKnown = ({ document }: NamelessOperation): boolean => KNOWN.has(document);

/** One outcome of an operation's @defer conditions. */
export interface DeferOutcome {
  /** Equal for equal outcomes of equal operations. */
  key: string;
  /** With defaults filled in. */
  variables: JsonObject;
}

/** Undefined for an operation without @defer. @param given the variables as the client gave them */
export function deferOutcome(
  { document, key }: NamelessOperation,
  given: JsonObject,
): DeferOutcome | undefined {
  const names = conditionsOf(document);
  const definition = names && getOperationAST(document);
  if (!definition) return undefined;
  const variables = withDefaults(variableDefinitionsOf(definition), given);
  const truths = names.map((name) => variables[name] === true);
  return { key: JSON.stringify([key, truths]), variables };
}

function conditionsOf(document: DocumentNode): readonly string[] | null {
  const known = KNOWN.get(document);
  if (known !== undefined) return known;
  const names = new Set<string>();
  let found = false;
  visit(document, {
    Directive: (directive) => {
      if (directive.name.value !== DEFER) return;
      found = true;
      const condition = argumentOf(directive, "if");
      if (condition?.kind === Kind.VARIABLE) names.add(condition.name.value);
    },
  });
  const conditions = found ? [...names].sort() : null;
  KNOWN.set(document, conditions);
  return conditions;
}
