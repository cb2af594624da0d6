/** Keeps documents that were parsed and validated, and the texts of persisted queries. */
import type { ApolloServerOptions, BaseContext } from "@apollo/server";
import { type DocumentNode, parse, stripIgnoredCharacters } from "graphql";
import { BoundedCache } from "../ground/bounded-cache.ts";
import { documentsBytesMax, treeBytes } from "../ground/kept-bytes.ts";
import { charactersMaxOf, type Limits } from "../ground/limits.ts";
import type { Safelist } from "./safelist.ts";

const DOCUMENTS_MAX = 1_000;

export interface DocumentStore {
  find(key: string): DocumentNode | undefined;
  /** Keeps a valid document as a tree without source positions. @returns the tree */
  keep(key: string, text: string): DocumentNode;
}

/**
 * The source positions of a document retain its text and all of its tokens, with comments, which no limit of
 * the parser counts: 1 MB of comments retained 50 MB. A validated document needs none of them.
 */
export function createDocumentStore(limits: Pick<Limits, "tokensMax">): DocumentStore {
  const documents = new BoundedCache<{ document: DocumentNode; bytes: number }>({
    entriesMax: DOCUMENTS_MAX,
    weightMax: documentsBytesMax(limits),
    weigh: (_, { bytes }) => bytes,
  });
  return {
    find: (key) => documents.find(key)?.document,
    keep(key, text) {
      const bare = stripIgnoredCharacters(text);
      const document = parse(bare, { noLocation: true });
      documents.put(key, { document, bytes: treeBytes(bare, document.tokenCount) });
      return document;
    },
  };
}

type PersistedQueryCache = NonNullable<
  Exclude<ApolloServerOptions<BaseContext>["persistedQueries"], false | undefined>["cache"]
>;

/** Apollo Server prefixes the hash with this. */
const KEY_PREFIX = "apq:";
/** Apollo Server does not check a hash that comes without its text: it may be 1 MB long. */
const SHA256 = /^[0-9a-f]{64}$/;
const TEXTS_MAX = 10_000;
/**
 * There is room for this many of the longest texts, or about 8,000 of our own clients' longest (2,000
 * characters).
 */
const LONGEST_TEXTS = 128;

/**
 * The texts that clients have registered under their hash, and those of the safelist, which need no
 * registration. A client whose text was dropped here sends it once more.
 */
export function createPersistedQueryCache(
  safelist: Safelist | undefined,
  limits: Pick<Limits, "tokensMax">,
): PersistedQueryCache {
  const texts = new BoundedCache<string>({
    entriesMax: TEXTS_MAX,
    weightMax: LONGEST_TEXTS * charactersMaxOf(limits),
    weigh: (key, text) => key.length + text.length,
  });
  const hashOf = (key: string) => key.slice(KEY_PREFIX.length);
  return {
    async get(key) {
      const hash = hashOf(key);
      // The ids of a safelist have whatever form its tool gives them.
      return safelist?.bodyOf(hash) ?? (SHA256.test(hash) ? texts.find(hash) : undefined);
    },
    set: async (key, text) => texts.put(hashOf(key), text),
    delete: async (key) => texts.delete(hashOf(key)),
  };
}
