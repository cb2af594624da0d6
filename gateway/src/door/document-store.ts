/** Where documents are kept that were parsed and validated, and the texts of persisted queries. */
import type { ApolloServerOptions, BaseContext } from "@apollo/server";
import { type DocumentNode, parse, stripIgnoredCharacters } from "graphql";
import { BoundedCache } from "../ground/bounded-cache.ts";
import { documentsBytesMax, treeBytes } from "../ground/kept-bytes.ts";
import { charactersMaxOf, type Limits } from "../ground/limits.ts";
import type { Safelist } from "./safelist.ts";

const DOCUMENTS_MAX = 1_000;

export interface DocumentStore {
  find(key: string): DocumentNode | undefined;
  /** Keeps a document that is valid, as a tree without places. @returns the tree */
  keep(key: string, text: string): DocumentNode;
}

/**
 * A document's places hold on to its text and to all of its tokens, comments too, which no limit of the parser counts: 1 MB of comments
 * kept 50 MB. Nobody needs them once it is validated.
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

/** Apollo Server puts this before the hash. */
const KEY_PREFIX = "apq:";
/** What clients send as a hash without its text is not looked at by Apollo Server: it may be of 1 MB. */
const SHA256 = /^[0-9a-f]{64}$/;
const TEXTS_MAX = 10_000;
/** How many of the longest texts there is room for; of our own clients' longest, 2,000 characters, about 8,000. */
const LONGEST_TEXTS = 128;

/**
 * The texts that clients have registered under their hash, and those of the safelist, which nobody has to register. What is lost here
 * the client sends once more.
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
      // A safelist's ids have the form that its maker gave them.
      return safelist?.bodyOf(hash) ?? (SHA256.test(hash) ? texts.find(hash) : undefined);
    },
    set: async (key, text) => texts.put(hashOf(key), text),
    delete: async (key) => texts.delete(hashOf(key)),
  };
}
