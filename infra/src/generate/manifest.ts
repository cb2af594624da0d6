/**
 * The manifest of our own clients' operations, in the format of Apollo's tools. A gateway's safelist is made
 * from it.
 */
import { createHash } from "node:crypto";
import { type DocumentNode, Kind, print } from "graphql";

/** A document as the code generator writes it. */
const GENERATED_DOCUMENT = /^export const (\w+)Document = (\{.*\}) as unknown as DocumentNode</gm;

/**
 * Makes the manifest. An operation's text in it is the one that clients send (schema/client/execute.ts), so
 * its id is also the hash that automatic persisted queries send.
 * @param generated the generated TypeScript, which has each operation with its fragments
 * @throws Error if it has no document, or a document with several operations
 */
export function persistedQueryManifest(generated: string): string {
  const operations = Array.from(generated.matchAll(GENERATED_DOCUMENT), ([, , json]) =>
    manifestEntry(JSON.parse(json!) as DocumentNode),
  );
  if (operations.length === 0) throw new Error("The typed client has no operations");
  operations.sort((one, other) => (one.name < other.name ? -1 : 1));
  const manifest = { format: "apollo-persisted-query-manifest", version: 1, operations };
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

function manifestEntry(document: DocumentNode) {
  const operations = document.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  const [operation] = operations;
  if (operations.length !== 1 || operation?.kind !== Kind.OPERATION_DEFINITION || !operation.name) {
    throw new Error("A document of the typed client is not one named operation");
  }
  const body = print(document);
  const id = createHash("sha256").update(body).digest("hex");
  return { id, name: operation.name.value, type: operation.operation, body };
}
