/** Generates the functions that build the objects of an answer, one for each selection and type. */
import { isInherited, type JsonObject, ownValue, setOwn } from "../../ground/answer.ts";
import type { ShapeRun } from "./shape-run.ts";

/**
 * Turns a value into its client's form. MISFIT if it is null in a non-null place, so that the value around it
 * becomes null.
 */
export type Complete = (value: unknown, run: ShapeRun) => unknown;

export const MISFIT = undefined;

/** One member of an object's answer. */
export interface Member {
  /** A GraphQL name: letters, digits and underscores. */
  responseName: string;
  /** The name in the data, nearly always the same. */
  sourceName: string;
  typeName: string;
  fieldName: string;
  complete: Complete;
}

/** Builds the client's form of an object. Null if a non-null member of it is null. */
export type BuildObject = (source: JsonObject, run: ShapeRun) => JsonObject | null;

/**
 * Generates an object literal such as `{ id: completeId(source.id), … }`. V8 knows its hidden class in
 * advance and inlines the members' functions. A loop over the members takes seven times as long.
 */
export function generateBuilder(members: readonly Member[]): BuildObject {
  const completers = members.map(({ complete }) => complete);
  const names = members.map(({ responseName }) => JSON.stringify(responseName));
  const lines = members.map(({ sourceName }, index) => {
    const value = isInherited(sourceName) ? `own(source, "${sourceName}")` : `source.${sourceName}`;
    return `const v${index} = c${index}(${value}, run); if (v${index} === undefined) return null;`;
  });
  // In brackets, `__proto__` is an ordinary name.
  const literal = names.map((name, index) => `[${name}]: v${index}`).join(", ");
  const code = `
    const [${completers.map((_, index) => `c${index}`).join(", ")}] = completers;
    return (source, run) => { ${lines.join("\n")} return { ${literal} }; };`;
  return new Function("completers", "own", code)(completers, ownValue) as BuildObject;
}

/** Does the same in a loop and tells the run its position. */
export function buildLocating(
  members: readonly Member[],
  source: JsonObject,
  run: ShapeRun,
): JsonObject | null {
  const built: JsonObject = {};
  for (const { responseName, sourceName, typeName, fieldName, complete } of members) {
    run.enterMember(responseName, { object: source, typeName, fieldName });
    const value = complete(ownValue(source, sourceName), run);
    run.leaveMember();
    if (value === MISFIT) return null;
    setOwn(built, responseName, value);
  }
  return built;
}
