/**
 * Carries out a mutation's root fields in order, and none after a failure that makes the whole answer null. A
 * service does this for the fields of one request (mutation-requests.ts decides which those are). This file
 * stops the requests that follow.
 */
import {
  type GraphQLSchema,
  isNonNullType,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  parse,
} from "graphql";
import {
  inlinedOperation,
  type RootSelection,
  responseNameOf,
  rootSelections,
  within,
} from "../ground/documents.ts";
import type { PlanTerms } from "./compile-plan.ts";
import type { Run } from "./run.ts";
import { ShapeRun, TooLarge } from "./shape/shape-run.ts";
import { Shapes, type ShapeTerms } from "./shape/shapes.ts";

/**
 * Undefined if no failure in the operation can stop other fields.
 * @param operation without fragment spreads
 */
export function stopAfterFailure(operation: OperationDefinitionNode, terms: ShapeTerms): PlanTerms["around"] {
  if (operation.operation !== OperationTypeNode.MUTATION) return undefined;
  const selections = [...rootSelections(operation.selectionSet)];
  if (!selections.some(({ field }) => isNonNull(field.name.value, terms.schema))) return undefined;
  const before = new Set<string>();
  return (node, step) => {
    if (node.operationKind !== OperationTypeNode.MUTATION) return step;
    const carriedOut = selections.filter(({ field }) => before.has(responseNameOf(field)));
    for (const { field } of rootSelections(inlinedOperation(parse(node.operation)).selectionSet))
      before.add(responseNameOf(field));
    if (carriedOut.length === 0) return step;
    const shapes = shapesOf(carriedOut, terms);
    return (run, sites) => {
      if (!run.carriedOut && isNull(shapes, run)) run.carriedOut = shapes;
      return run.carriedOut ? undefined : step(run, sites);
    };
  };
}

function isNonNull(field: string, schema: GraphQLSchema): boolean {
  return isNonNullType(schema.getMutationType()?.getFields()[field]?.type);
}

function shapesOf(selections: readonly RootSelection[], terms: ShapeTerms): Shapes {
  const conditioned = selections.map(({ field, conditions }) => within(field, conditions));
  return new Shapes(
    terms.schema.getMutationType()!,
    { kind: Kind.SELECTION_SET, selections: conditioned },
    terms,
  );
}

function isNull(shapes: Shapes, { data, variables, hasShared }: Run): boolean {
  try {
    return shapes.for(variables)(data, new ShapeRun(hasShared ? "shared" : "once")) === null;
  } catch (error) {
    // The answer is not null, only too large; the whole answer gets that error.
    if (error instanceof TooLarge) return false;
    throw error;
  }
}
