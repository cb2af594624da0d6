/**
 * The result shaper: turns the data of all fetches into the answer that the client asked for. Aliases and
 * their order, type conditions, nulls that bubble up and checks of values are all decided at compile time,
 * once for each operation and type.
 */

import type { Refusal } from "@teranga/kit/identity/requirement.ts";
import {
  type FieldNode,
  type GraphQLAbstractType,
  type GraphQLCompositeType,
  type GraphQLOutputType,
  type GraphQLSchema,
  isAbstractType,
  isCompositeType,
  isListType,
  isNonNullType,
  isObjectType,
  isUnionType,
  type SelectionSetNode,
} from "graphql";
import { refusalOf } from "../../authorization/refusals.ts";
import { isObject } from "../../ground/answer.ts";
import { clientName } from "../../ground/names-apart.ts";
import { collectFields } from "./collect-fields.ts";
import { type CompleteLeaf, compileLeaf } from "./leaf-values.ts";
import {
  type BuildObject,
  buildLocating,
  type Complete,
  generateBuilder,
  type Member,
  MISFIT,
} from "./object-builder.ts";

/** Objects of one type under one selection. */
interface CompiledObject {
  members: readonly Member[];
  /** What the member names add to an answer's size. */
  size: number;
  build: BuildObject;
}

export class ShapeCompiler {
  readonly #schema: GraphQLSchema;
  readonly #conditions: Record<string, unknown>;
  #memberCount = 0;

  /**
   * @param schema the schema that clients see
   * @param conditions the values of the variables that @skip and @include use
   */
  constructor(schema: GraphQLSchema, conditions: Record<string, unknown>) {
    this.#schema = schema;
    this.#conditions = conditions;
  }

  /** The number of members of all objects compiled so far. */
  get memberCount(): number {
    return this.#memberCount;
  }

  /** Compiles the shape of a whole answer. */
  compileRoot(type: GraphQLCompositeType, selectionSet: SelectionSetNode): Complete {
    return this.#object(type, [selectionSet]);
  }

  #value(type: GraphQLOutputType, nodes: readonly FieldNode[]): Complete {
    if (isNonNullType(type)) return nonNull(this.#value(type.ofType, nodes));
    if (isListType(type)) return list(this.#value(type.ofType, nodes));
    if (!isCompositeType(type)) return leaf(compileLeaf(type));
    return this.#object(
      type,
      nodes.flatMap(({ selectionSet }) => (selectionSet ? [selectionSet] : [])),
    );
  }

  /** Compiles a type only when it first occurs: an interface may have hundreds of types. */
  #object(type: GraphQLCompositeType, selectionSets: readonly SelectionSetNode[]): Complete {
    const shapes = new Map<string, CompiledObject>();
    const shapeFor = (typeName: string): CompiledObject | undefined => {
      const known = shapes.get(typeName);
      if (known) return known;
      const found = this.#realType(type, typeName);
      if (!found) return undefined;
      const members = this.#members(found, selectionSets);
      const shape = { members, size: sizeOf(members), build: generateBuilder(members) };
      this.#memberCount += members.length + 1;
      shapes.set(typeName, shape);
      return shape;
    };
    return (value, run) => {
      if (value === null || value === undefined) return null;
      if (!isObject(value)) return run.misfit("not an object");
      const known = run.known(shapes, value);
      if (known !== undefined) return known;
      const typeName = value.__typename ?? type.name;
      const shape = typeof typeName === "string" ? shapeFor(typeName) : undefined;
      if (!shape) return run.misfit("an object of an unknown type");
      const before = run.size;
      run.grow(shape.size);
      const built = run.isLocating ? buildLocating(shape.members, value, run) : shape.build(value, run);
      run.learn(shapes, value, built, before);
      return built;
    };
  }

  /**
   * The type for an object's `__typename` at a place of a declared type. Undefined if such an object cannot
   * be there.
   */
  #realType(declared: GraphQLCompositeType, typeName: string): GraphQLCompositeType | undefined {
    if (typeName === declared.name) return declared;
    const found = this.#schema.getType(typeName);
    if (!isCompositeType(found)) return undefined;
    if (isAbstractType(declared)) return this.#isWithin(declared, found) ? found : undefined;
    // A subgraph with an interface object knows only the interface's name.
    return isAbstractType(found) && this.#isWithin(found, declared) ? declared : undefined;
  }

  #isWithin(abstract: GraphQLAbstractType, type: GraphQLCompositeType): boolean {
    return !isUnionType(type) && this.#schema.isSubType(abstract, type);
  }

  #members(type: GraphQLCompositeType, selectionSets: readonly SelectionSetNode[]): Member[] {
    const fields = collectFields(this.#schema, type, selectionSets, this.#conditions);
    return Array.from(fields, ([sourceName, nodes]): Member => {
      const name = nodes[0]!.name.value;
      const field = { typeName: type.name, fieldName: name };
      if (name === "__schema" || name === "__type")
        return { responseName: sourceName, sourceName, ...field, complete: (value) => value ?? null };
      const names = { responseName: clientName(sourceName)!, sourceName, ...field };
      const refusal = nodes.map(refusalOf).find((each) => each !== undefined);
      if (refusal) return { ...names, complete: refused(refusal, this.#isNonNull(type, name)) };
      if (name === "__typename") return { ...names, complete: this.#typename(type) };
      const definition = "getFields" in type ? type.getFields()[name] : undefined;
      if (!definition)
        throw new Error(`${type.name} has no field ${name}, which validation would have refused`);
      return { ...names, complete: this.#value(definition.type, nodes) };
    });
  }

  #isNonNull(type: GraphQLCompositeType, name: string): boolean {
    return name === "__typename" || ("getFields" in type && isNonNullType(type.getFields()[name]?.type));
  }

  #typename(type: GraphQLCompositeType): Complete {
    if (isObjectType(type)) return () => type.name;
    // An object of an abstract type without a plain `__typename`: an alias may hold the name of its real
    // type.
    return (value, run) => {
      const found = typeof value === "string" ? this.#schema.getType(value) : undefined;
      if (isObjectType(found)) return found.name;
      run.misfit("an object that does not tell its type");
      return MISFIT;
    };
  }
}

/**
 * A field that is refused at one of the places that select it is refused at all of them: the others have been
 * fetched, and theirs is the same member.
 */
function refused(refusal: Refusal, isNonNull: boolean): Complete {
  return (_, run) => {
    run.misfit("refused", refusal);
    return isNonNull ? MISFIT : null;
  };
}

function nonNull(inner: Complete): Complete {
  return (value, run) => {
    if (value === null || value === undefined) {
      run.misfit("null where it must not be");
      return MISFIT;
    }
    const completed = inner(value, run);
    return completed === null ? MISFIT : completed;
  };
}

function list(inner: Complete): Complete {
  return (value, run) => {
    if (value === null || value === undefined) return null;
    if (!Array.isArray(value)) return run.misfit("not a list");
    run.grow(value.length);
    const completed = new Array<unknown>(value.length);
    let isWhole = true;
    for (let index = 0; index < value.length; index++) {
      if (run.isLocating) run.enter(index);
      const element = inner(value[index], run);
      if (run.isLocating) run.leave();
      if (element === MISFIT) isWhole = false;
      completed[index] = element;
    }
    return isWhole ? completed : null;
  };
}

function leaf(completeLeaf: CompleteLeaf): Complete {
  return (value, run) => {
    if (value === null || value === undefined) return null;
    const completed = completeLeaf(value);
    if (completed === undefined) return run.misfit("a value of another type");
    if (typeof completed === "string" || typeof completed === "object") run.grow(weightOf(completed));
    return completed;
  };
}

/** One unit for each member, and one more for every 32 characters of its name. */
function sizeOf(members: readonly Member[]): number {
  return members.reduce((size, { responseName }) => size + 1 + (responseName.length >> 5), 0);
}

/**
 * What a leaf adds to an answer's size besides itself: one unit for every 32 characters, and one for each
 * part of a structured scalar.
 */
function weightOf(value: unknown): number {
  if (typeof value === "string") return value.length >> 5;
  if (typeof value !== "object" || value === null) return 1;
  let weight = 1;
  for (const part of Object.values(value)) weight += weightOf(part);
  return weight;
}
