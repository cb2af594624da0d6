/**
 * Makes errors for values that are refused, and for values that do not fit the schema, e.g. null in a
 * non-null place. A value that a service's error explains gets none.
 */

import { unauthorized } from "@teranga/kit/identity/requirement.ts";
import { GraphQLError, type GraphQLFormattedError } from "graphql";
import { errorAt, type ResponsePath } from "../ground/answer.ts";
import { completionErrors } from "../ground/error-paths.ts";
import { limitErrors, notListedBy } from "../ground/service-errors.ts";
import type { FieldSuppliers } from "./field-suppliers.ts";
import type { Run } from "./run.ts";
import type { Complete } from "./shape/object-builder.ts";
import { type Misfit, ShapeRun } from "./shape/shape-run.ts";

/** Enough to find the service at fault. */
const LOGGED_MISFITS_MAX = 10;

export interface MisfitTerms {
  run: Run;
  /** The place of the value, from the answer's root. */
  place: ResponsePath;
  /** The errors that the client is told in any case. */
  told: readonly GraphQLError[];
  suppliers: FieldSuppliers;
}

/**
 * An error for each place where a value is refused, and for each where it does not fit, unless one of the
 * `told` errors explains it.
 */
export function misfitErrors(shape: Complete, value: unknown, terms: MisfitTerms): GraphQLError[] {
  const { place } = terms;
  const shaping = new ShapeRun("locate");
  for (const step of place) shaping.enter(step);
  shape(value, shaping);
  const { refused = [], wrong = [] } = Object.groupBy(shaping.misfits, ({ refusal }) =>
    refusal ? "refused" : "wrong",
  );
  return [...refusalErrors(refused), ...wrongErrors(unexplained(wrong, terms), terms)];
}

function refusalErrors(refused: readonly Misfit[]): GraphQLError[] {
  return limitErrors(refused.map(({ path, refusal }) => errorAt(unauthorized(refusal!), path))).map(toError);
}

function wrongErrors(misfits: readonly Misfit[], { run, told }: MisfitTerms): GraphQLError[] {
  if (misfits.length === 0) return [];
  const some = misfits.slice(0, LOGGED_MISFITS_MAX);
  const beside = told.slice(0, LOGGED_MISFITS_MAX).map(({ message }) => message);
  run.context.log.error(
    { misfits: some.map(({ path, reason }) => ({ path, reason })), count: misfits.length, beside },
    "a service's values do not fit the schema",
  );
  return completionErrors(misfits).map(toError);
}

const toError = ({ message, path, extensions }: GraphQLFormattedError): GraphQLError =>
  new GraphQLError(message, { path, extensions });

/** What the errors of one service explain, apart from their own places and the places around them. */
interface Explained {
  /**
   * Set by an error without a place, or one that stands for places that are not listed: it may explain
   * anything.
   */
  all: boolean;
  /**
   * The values that an error covers as a whole: it explains missing members at any depth below, but nothing
   * inside a list below, since list elements have errors of their own.
   */
  wholes: Set<string>;
  /**
   * The objects with a failed field. A service whose non-null field fails leaves out the siblings of that
   * field, too.
   */
  besides: Set<string>;
}

/**
 * A value is explained by any service's error at its place or below it, or by an error of a service that may
 * have supplied the value.
 */
function unexplained(misfits: readonly Misfit[], { run, told, suppliers }: MisfitTerms): readonly Misfit[] {
  const around = new Set<string>();
  const byService = new Map<unknown, Explained>();
  for (const error of told) {
    const { path = [], extensions } = error;
    const own = byService.get(extensions.serviceName) ?? {
      all: false,
      wholes: new Set(),
      besides: new Set(),
    };
    byService.set(extensions.serviceName, own);
    own.all ||= !error.path || notListedBy(error.toJSON()) > 0;
    own.wholes.add(JSON.stringify(path));
    own.besides.add(JSON.stringify(objectAround(path)));
    for (let length = path.length; length > 0; length--) around.add(JSON.stringify(path.slice(0, length)));
  }
  const isExplained = ({ path, members }: Misfit): boolean => {
    if (around.has(JSON.stringify(path))) return true;
    // If an object lacked what was needed to ask a service for the value, an error of any service may explain
    // it.
    const isAsked = !members.some(({ object }) => run.lacking.has(object));
    const member = isAsked ? members.at(-1) : undefined;
    const from = member && suppliers.of(member.typeName, member.fieldName);
    for (const [service, own] of byService) {
      if (from && service !== undefined && !from.has(service as string)) continue;
      if (own.all || own.besides.has(JSON.stringify(objectAround(path))) || isOfWhole(path, own.wholes))
        return true;
    }
    return false;
  };
  return misfits.filter((misfit) => !isExplained(misfit));
}

function isOfWhole(path: ResponsePath, wholes: ReadonlySet<string>): boolean {
  let length = path.length;
  while (length > 0 && typeof path[length - 1] === "string")
    if (wholes.has(JSON.stringify(path.slice(0, --length)))) return true;
  return false;
}

/** The path of the object whose member the place is, or is inside of. */
const objectAround = (path: ResponsePath): ResponsePath =>
  path.slice(
    0,
    Math.max(
      0,
      path.findLastIndex((step) => typeof step === "string"),
    ),
  );
