/**
 * What is compiled and kept of a client's operation. It has no name: a thousand names of one operation are
 * compiled once.
 */
import { digest } from "@teranga/kit/process/digest.ts";
import { type DocumentNode, getOperationAST, Kind, type OperationDefinitionNode } from "graphql";
import type { JsonObject } from "./answer.ts";
import { printCompact, withOneOperation } from "./documents.ts";
import { treeBytes } from "./kept-bytes.ts";

/** An operation as a client asks for it. */
export interface AskedOperation {
  document: DocumentNode;
  /** Which one of the document's, if there are several. */
  operationName: string | undefined;
  /** As the client gave them. */
  variables: JsonObject;
}

export interface NamelessOperation {
  /** The operation and the fragments that it spreads. */
  document: DocumentNode;
  /** Equal for equal documents. */
  key: string;
  /** Its characters. */
  size: number;
  /** About how many bytes the document keeps. */
  treeBytes: number;
}

const KNOWN = new WeakMap<OperationDefinitionNode, NamelessOperation>();

/** Whether it costs nothing to have: to print the largest documents takes 20 ms. */
export const isNamelessKnown = ({ document, operationName }: AskedOperation): boolean =>
  KNOWN.has(getOperationAST(document, operationName)!);

export function namelessOperation({ document, operationName }: AskedOperation): NamelessOperation {
  // Apollo Server has found it.
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
