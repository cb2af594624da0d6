/** One answer while it is shaped. */
import type { JsonObject, ResponsePath } from "../../ground/answer.ts";

/**
 * Members and elements of one answer, and a unit for every 32 characters of a text or a name. Entities that
 * lead to one another multiply to any size in a few lines of a query.
 */
const SIZE_MAX = 1_000_000;
/** The answer would be larger than SIZE_MAX. */
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
  /**
   * What it is within, from the answer's root on; the last one is the value itself, or a list that it is in.
   */
  members: readonly MemberOf[];
}

/** What was made of an object under one selection, and how many members and elements it has. */
interface Known {
  built: JsonObject | null;
  size: number;
}

/**
 * @see ShapeCompiler. The first run only counts what does not fit: paths cost a fifth of the time, and are
 * needed only then. A second run, which remembers nothing, finds the places.
 */
export class ShapeRun {
  /** Members and elements so far. An object that stands at several places counts at each. */
  size = 0;
  /** How many values did not fit. */
  misfitCount = 0;
  readonly misfits: Misfit[] = [];
  readonly #path: (string | number)[] | undefined;
  /** Those that were entered, from the root on. */
  readonly #members: MemberOf[] = [];
  readonly #known: Map<object, Map<JsonObject, Known>> | undefined;

  /**
   * @param mode `shared`: some objects stand at several places. `once`: none does. `locate`: to find what
   * does not fit
   */
  constructor(mode: "shared" | "once" | "locate") {
    this.#path = mode === "locate" ? [] : undefined;
    this.#known = mode === "shared" ? new Map() : undefined;
  }

  /** Whether it is to find what does not fit. Only then it is told where it is. */
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

  /** Takes note of a value that does not fit; its place is null. */
  misfit(reason: string): null {
    this.misfitCount++;
    if (this.#path) this.misfits.push({ path: [...this.#path], reason, members: [...this.#members] });
    return null;
  }

  /**
   * What was made of an object before, under the same selection.
   * @param selection any object that stands for it
   */
  known(selection: object, object: JsonObject): JsonObject | null | undefined {
    if (!this.#known) return undefined;
    const known = this.#known.get(selection)?.get(object);
    if (!known) return undefined;
    this.grow(known.size);
    return known.built;
  }

  /** Remembers what was made of an object. @param sizeBefore of the run, when the object was begun */
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
