/** Where Apollo Server keeps the documents that it has parsed and validated. */
import type { ApolloServerOptions, BaseContext } from "@apollo/server";
import type { DocumentNode } from "graphql";
import { BoundedCache } from "./bounded-cache.ts";

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
