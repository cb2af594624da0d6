/** Where Apollo Server keeps the documents that it has parsed and validated, and the texts of persisted queries. */
import type { ApolloServerOptions, BaseContext } from "@apollo/server";
import type { DocumentNode } from "graphql";
import { BoundedCache } from "../bounded-cache.ts";
import type { Safelist } from "./safelist.ts";

type DocumentStore = NonNullable<ApolloServerOptions<BaseContext>["documentStore"]>;

const DOCUMENTS_MAX = 1_000;
/** About 250 of the longest operations of our own clients. */
const BYTES_MAX = 32 * 1024 * 1024;
/** An operation of about 2,500 tokens. */
const DOCUMENT_BYTES_MAX = 512 * 1024;
/** A token, and its share of the syntax tree. */
const TOKEN_BYTES = 200;

/**
 * Apollo Server's own store weighs documents by their JSON. That leaves out what a document's locations hold on to: the source
 * text and all of its tokens, comments too, which no limit of the parser counts. A text of 1 MB that is nothing but comments
 * keeps 50 MB.
 */
export function createDocumentStore(): DocumentStore {
  const documents = new BoundedCache<DocumentNode>({
    entriesMax: DOCUMENTS_MAX,
    weightMax: BYTES_MAX,
    entryWeightMax: DOCUMENT_BYTES_MAX,
    weigh: (_, document) => documentBytes(document),
  });
  return {
    get: async (key) => documents.find(key),
    set: async (key, document) => documents.put(key, document),
    delete: async (key) => documents.delete(key),
  };
}

/** About what a parsed document takes, in bytes. */
export function documentBytes({ loc }: DocumentNode): number {
  let bytes = loc?.source.body.length ?? 0;
  for (let token = loc?.startToken ?? null; token; token = token.next) bytes += TOKEN_BYTES;
  return bytes;
}

type PersistedQueryCache = NonNullable<
  Exclude<ApolloServerOptions<BaseContext>["persistedQueries"], false | undefined>["cache"]
>;

/** Apollo Server puts this before the hash. */
const KEY_PREFIX = "apq:";
const TEXTS_MAX = 10_000;
/** About 8,000 of the longest operations of our own clients. */
const TEXTS_CHARACTERS_MAX = 16 * 1024 * 1024;
/** A document of 10,000 tokens is about as long. One client's giant must not drive out everybody's texts. */
const TEXT_CHARACTERS_MAX = 128 * 1024;

/**
 * The texts that clients have registered under their hash, and those of the safelist, which nobody has to register. What is lost here
 * the client sends once more.
 */
export function createPersistedQueryCache(safelist: Safelist | undefined): PersistedQueryCache {
  const texts = new BoundedCache<string>({
    entriesMax: TEXTS_MAX,
    weightMax: TEXTS_CHARACTERS_MAX,
    entryWeightMax: TEXT_CHARACTERS_MAX,
    weigh: (key, text) => key.length + text.length,
  });
  return {
    get: async (key) => safelist?.bodyOf(key.slice(KEY_PREFIX.length)) ?? texts.find(key),
    set: async (key, text) => texts.put(key, text),
    delete: async (key) => texts.delete(key),
  };
}
