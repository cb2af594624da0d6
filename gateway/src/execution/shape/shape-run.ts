/** The state of one answer while it is shaped. */
import type { Refusal } from "@teranga/kit/identity/requirement.ts";
import type { JsonObject, ResponsePath } from "../../ground/answer.ts";

/**
 * The members and elements of one answer, plus one unit for every 32 characters of a string or a name.
 * Entities that lead to one another can multiply to any size in a few lines of a query.
 */
const SIZE_MAX = 1_000_000;
/** Thrown if the answer would be larger than SIZE_MAX. */
export class TooLarge extends Error {
  override name = "TooLarge";
}

/** A member of an object of the data. */
export interface MemberOf {
  object: JsonObject;
  typeName: string;
  fieldName: string;
}

/** A value that does not fit its place. */
export interface Misfit {
  path: ResponsePath;
  reason: string;
  /** Set if whoever asks may not have it. */
  refusal: Refusal | undefined;
  /**
   * The members around the value, from the answer's root on. The last one is the value itself or the list
   * around it.
   */
  members: readonly MemberOf[];
}

/** The result for an object under one selection, with its number of members and elements. */
interface Known {
  built: JsonObject | null;
  size: number;
}

/**
 * Shapes one answer for a ShapeCompiler. The first run only counts the values that do not fit, since paths
 * cost a fifth of the time and are needed only if there are such values. A second run, which remembers
 * nothing, finds their places.
 */
export class ShapeRun {
  /** Members and elements so far. An object counts at each place where it stands. */
  size = 0;
  /** How many values did not fit. */
  misfitCount = 0;
  readonly misfits: Misfit[] = [];
  readonly #path: (string | number)[] | undefined;
  /** The members around the current position, from the root on. */
  readonly #members: MemberOf[] = [];
  readonly #known: Map<object, Map<JsonObject, Known>> | undefined;

  /**
   * @param mode `shared`: some objects stand at several places. `once`: none does. `locate`: the run finds
   * the values that do not fit
   */
  constructor(mode: "shared" | "once" | "locate") {
    this.#path = mode === "locate" ? [] : undefined;
    this.#known = mode === "shared" ? new Map() : undefined;
  }

  /** Whether the run finds the values that do not fit. Only then does it need to know its position. */
  get isLocating(): boolean {
    return this.#path !== undefined;
  }

  enter(step: string | number): void {
    this.#path?.push(step);
  }

  leave(): void {
    this.#path?.pop();
  }

  enterMember(responseName: string, member: MemberOf): void {
    this.enter(responseName);
    this.#members.push(member);
  }

  leaveMember(): void {
    this.leave();
    this.#members.pop();
  }

  /** @throws TooLarge */
  grow(count: number): void {
    this.size += count;
    if (this.size > SIZE_MAX) throw new TooLarge();
  }

  /** Notes a value that does not fit, or that is refused. Its place becomes null. */
  misfit(reason: string, refusal?: Refusal): null {
    this.misfitCount++;
    if (this.#path)
      this.misfits.push({ path: [...this.#path], reason, refusal, members: [...this.#members] });
    return null;
  }

  /**
   * The earlier result for an object under the same selection.
   * @param selection any object that identifies the selection
   */
  known(selection: object, object: JsonObject): JsonObject | null | undefined {
    if (!this.#known) return undefined;
    const known = this.#known.get(selection)?.get(object);
    if (!known) return undefined;
    this.grow(known.size);
    return known.built;
  }

  /** Remembers the result for an object. @param sizeBefore the run's size before the object */
  learn(selection: object, object: JsonObject, built: JsonObject | null, sizeBefore: number): void {
    if (!this.#known) return;
    let objects = this.#known.get(selection);
    if (!objects) {
      objects = new Map();
      this.#known.set(selection, objects);
    }
    objects.set(object, { built, size: this.size - sizeBefore });
  }
}
