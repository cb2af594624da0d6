/** What of a document is deferred, if the variables of its @defer conditions have certain values. */
import { type DocumentNode, getOperationAST, Kind, visit } from "graphql";
import type { JsonObject } from "../../ground/answer.ts";
import { variableDefinitionsOf, withDefaults } from "../../ground/documents.ts";
import type { NamelessOperation } from "../../ground/nameless-operation.ts";
import { argumentOf, DEFER } from "./defer-split.ts";

interface Conditions {
  /** The variables that decide what is deferred. */
  names: readonly string[];
  defaults: JsonObject;
}

/** Null for a document without @defer. */
const KNOWN = new WeakMap<DocumentNode, Conditions | null>();

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
  const conditions = conditionsOf(document);
  if (!conditions) return undefined;
  const variables = withDefaults(conditions, given);
  const truths = conditions.names.map((name) => variables[name] === true);
  return { key: JSON.stringify([key, truths]), variables };
}

function conditionsOf(document: DocumentNode): Conditions | null {
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
  const { defaults } = variableDefinitionsOf(getOperationAST(document)!);
  const conditions = found ? { names: [...names].sort(), defaults } : null;
  KNOWN.set(document, conditions);
  return conditions;
}
