/**
 * The form in which a client's operation is compiled and kept. It has no name, so an operation under a
 * thousand names is compiled once.
 */
import { digest } from "@teranga/kit/process/digest.ts";
import { type DocumentNode, getOperationAST, Kind, type OperationDefinitionNode } from "graphql";
import type { JsonObject } from "./answer.ts";
import { printCompact, withOneOperation } from "./documents.ts";
import { treeBytes } from "./kept-bytes.ts";

/** An operation as a client asks for it. */
export interface AskedOperation {
  document: DocumentNode;
  /** Needed if the document has several operations. */
  operationName: string | undefined;
  /** The variables as the client gave them. */
  variables: JsonObject;
}

export interface NamelessOperation {
  /** The operation and the fragments that it spreads. */
  document: DocumentNode;
  /** Equal for equal documents. */
  key: string;
  /** The length of its text in characters. */
  size: number;
  /** The bytes that the document keeps, approximately. */
  treeBytes: number;
}

const KNOWN = new WeakMap<OperationDefinitionNode, NamelessOperation>();

/** Whether the nameless form is ready. Making it prints the document, which takes 20 ms for the largest. */
export const isNamelessKnown = ({ document, operationName }: AskedOperation): boolean =>
  KNOWN.has(getOperationAST(document, operationName)!);

export function namelessOperation({ document, operationName }: AskedOperation): NamelessOperation {
  // Apollo Server has already found the operation.
  const asked = getOperationAST(document, operationName)!;
  const known = KNOWN.get(asked);
  if (known) return known;
  const { name: _, ...nameless } = asked;
  const { definitions } = withOneOperation(document, operationName);
  const fragments = definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION);
  const bare: DocumentNode = { kind: Kind.DOCUMENT, definitions: [nameless, ...fragments] };
  const text = printCompact(bare);
  const made = { document: bare, key: digest([text]), size: text.length, treeBytes: treeBytes(text) };
  KNOWN.set(asked, made);
  return made;
}
