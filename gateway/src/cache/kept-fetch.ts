/** What of a fetch is kept by itself: each entity, or the whole answer. */
import { hash } from "node:crypto";
import { isObject, type JsonObject } from "../ground/answer.ts";

/** A fetch from a place, as the cache sees it. */
export interface CacheableFetch {
  place: string;
  /** Whether another place, a node of the same subgraph, may answer instead. */
  isNode?: boolean | undefined;
  /** The operation without its name: no answer depends on that. */
  text: string;
  variables: JsonObject;
  /** The client's headers that the service sees. */
  headers: Readonly<Record<string, string>>;
  /** The object types that its answer may show below the entities. Undefined if that is not known. */
  shows: readonly string[] | undefined;
}

/** Something that is kept under a key of its own. */
export interface KeptPart {
  key: string;
  /** What a change must have so that the part is outdated; any change of the place, if it is empty. */
  tags: readonly string[];
  /** The entity that is asked for. Undefined for a whole answer. */
  representation: unknown;
}

/** Longer texts of representations, e.g. with @requires, are kept as their digest. */
const KEY_LENGTH_MAX = 120;

/** Names the text at its place. Whether an answer may be kept is learned for each. */
export function textKeyOf({ place, text }: CacheableFetch): string {
  return digest(`${place}\n${text}`);
}

/** Its parts, in the order of the representations. Equal ones have equal keys. */
export function partsOf(fetch: CacheableFetch, textKey: string): KeptPart[] {
  const { headers, variables, shows } = fetch;
  const { representations, ...others } = variables;
  const said = JSON.stringify([others, headers]);
  const base = said === "[{},{}]" ? textKey : digest(`${textKey}\n${said}`);
  if (!Array.isArray(representations)) return [{ key: base, tags: shows ?? [], representation: undefined }];
  return representations.map((representation: unknown) => {
    const text = JSON.stringify(representation);
    const key = `${base} ${text.length > KEY_LENGTH_MAX ? digest(text) : text}`;
    return { key, tags: shows ? [entityTag(representation), ...shows] : [], representation };
  });
}

/** `Product:7`, or `Product` if the entity has no id. */
function entityTag(representation: unknown): string {
  const { __typename: type, id } = isObject(representation) ? representation : {};
  return typeof id === "string" || typeof id === "number" ? `${type}:${id}` : `${type}`;
}

/** The operation's text without its name, which stands after the first word. */
export function namelessText(query: string, name: string | undefined): string {
  if (name === undefined) return query;
  const at = query.indexOf(` ${name}`);
  return query.slice(0, at) + query.slice(at + 1 + name.length);
}

const digest = (text: string) => hash("sha256", text, "base64url");
