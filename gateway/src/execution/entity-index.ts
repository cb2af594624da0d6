/**
 * Finds out which objects stand for the same entity. It runs for each place of a large answer, so it must be
 * fast.
 */
import type { JsonObject } from "../ground/answer.ts";
import type { FlatMembers } from "./representations.ts";

/** Nodes by the value of a member. The last node has the index of the representation. */
interface TrieNode {
  next: Map<unknown, TrieNode>;
  index: number | undefined;
}

const newNode = (): TrieNode => ({ next: new Map(), index: undefined });

/** In place of an index: the object lacks something required. */
export const LACKING = -1;

/** The representations of a request so far. */
export class EntityIndex {
  readonly representations: JsonObject[] = [];
  readonly #byMembers = newNode();
  readonly #byJson = new Map<string, number>();

  /**
   * The index of a source's representation, which is added if it is new. LACKING if the source lacks
   * something required, undefined if its type is not asked for anything.
   *
   * With `members` the source's own values lead to the index, and no object is made for a known entity. With
   * JSON as keys, making the keys took a tenth of a large operation's time.
   */
  indexOf(
    source: JsonObject,
    represent: (source: JsonObject) => JsonObject | null,
    members: FlatMembers | undefined,
  ): number | undefined {
    const node = members && this.#nodeOf(source, members);
    if (node?.index !== undefined) return node.index;
    const representation = represent(source);
    if (representation === null) return LACKING;
    if (!representation.__typename) return undefined;
    if (!node) return this.#indexByJson(representation);
    node.index = this.#add(representation);
    return node.index;
  }

  /** Undefined if a member is neither a string nor a number: equal objects could not be recognised. */
  #nodeOf(source: JsonObject, members: FlatMembers): TrieNode | undefined {
    const own = members.get(source.__typename as string);
    if (!own) return undefined;
    // The same value under another name means another entity.
    const { names, signature } = own;
    let node = stepTo(stepTo(this.#byMembers, signature), source.__typename);
    for (let at = 0; at < names.length; at++) {
      const value = source[names[at]!];
      if (typeof value === "object" || value === undefined) return undefined;
      node = stepTo(node, value);
    }
    return node;
  }

  #indexByJson(representation: JsonObject): number {
    const key = JSON.stringify(representation);
    const known = this.#byJson.get(key);
    if (known !== undefined) return known;
    const index = this.#add(representation);
    this.#byJson.set(key, index);
    return index;
  }

  #add(representation: JsonObject): number {
    return this.representations.push(representation) - 1;
  }
}

function stepTo(node: TrieNode, value: unknown): TrieNode {
  const known = node.next.get(value);
  if (known) return known;
  const next = newNode();
  node.next.set(value, next);
  return next;
}
