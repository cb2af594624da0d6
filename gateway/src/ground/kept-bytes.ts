/**
 * Estimates, in bytes, what is kept of clients' documents, and bounds it. The bounds follow from the limits:
 * an operation that is admitted but not kept would be planned each time. Measured with `--expose-gc`
 * (`heapUsed`) on the shop's graph.
 */
import { Lexer, type OperationDefinitionNode, Source, TokenKind, visit } from "graphql";
import { SHARES } from "./bounded-cache.ts";
import { charactersMaxOf, EXPANSION_MAX, FIELDS_MAX, type Limits } from "./limits.ts";

/** A token's share of a syntax tree without source positions: 100 to 200. With positions it is 250 to 340. */
const TOKEN_BYTES = 200;
/** A token's share of what is compiled from the text of a fetch: 50 to 550, the most for crossings. */
const PLAN_TOKEN_BYTES = 500;
/** A copy of a selection with a selection set. */
const SELECTION_BYTES = 200;
/**
 * There is room for this many of the largest documents, or about 300 of our own clients' longest (600
 * tokens).
 */
const DOCUMENTS = 4 * SHARES;

/** The bytes of a text's syntax tree. */
export function treeBytes(text: string, tokenCount = tokensOf(text)): number {
  return text.length + TOKEN_BYTES * tokenCount;
}

/** The bytes of what is compiled from the text of a fetch. The text itself is in it twice. */
export function planBytes(text: string): number {
  return 2 * text.length + PLAN_TOKEN_BYTES * tokensOf(text);
}

/** The bytes that are copied when an operation's fragments are expanded. */
export function expandedBytes(operation: OperationDefinitionNode): number {
  let bytes = 0;
  visit(operation, {
    SelectionSet: () => {
      bytes += SELECTION_BYTES;
    },
  });
  return bytes;
}

/** The bytes that parsed documents may take. */
export function documentsBytesMax(limits: Pick<Limits, "tokensMax">): number {
  return DOCUMENTS * (charactersMaxOf(limits) + TOKEN_BYTES * limits.tokensMax);
}

/**
 * The bytes that compiled operations may take: enough to keep even the largest new one (bounded-cache.ts).
 */
export function operationsBytesMax(limits: Pick<Limits, "tokensMax">): number {
  const text = charactersMaxOf(limits) + TOKEN_BYTES * limits.tokensMax;
  return SHARES * (text + SELECTION_BYTES * FIELDS_MAX) + partsBytesMax(limits);
}

/** The bytes that parts of fetches may take. The largest part is a whole plan. */
export function partsBytesMax({ tokensMax }: Pick<Limits, "tokensMax">): number {
  const plan = 2 * charactersMaxOf({ tokensMax }) + PLAN_TOKEN_BYTES * tokensMax;
  return SHARES * EXPANSION_MAX * plan;
}

function tokensOf(text: string): number {
  const lexer = new Lexer(new Source(text));
  let count = 0;
  while (lexer.advance().kind !== TokenKind.EOF) count++;
  return count;
}
